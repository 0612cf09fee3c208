/** Layers: imports point downwards only, as ARCHITECTURE.md tells, and no source file lies dead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { files, filesNamedBy, importsOf, packages, read, resolveFrom, sources } from './tree.ts';

const PURE = ['standards', 'tlog', 'protocol', 'contracts-engine'];
/** What each package may import of the others. */
const MAY_IMPORT: { readonly [name: string]: readonly string[] } = {
  standards: [],
  tlog: [],
  protocol: ['standards', 'tlog'],
  'contracts-engine': ['protocol', 'standards'],
  ingest: PURE,
  ledger: ['tlog'],
  api: PURE,
  dashboard: PURE,
  cli: [...PURE, 'ingest', 'ledger', 'api', 'dashboard'],
  // What the ledger's tests have too: a local time-stamping authority, and ports.
  tests: [...PURE, 'ledger'],
  bench: [...PURE, 'ingest', 'ledger', 'api'],
};
/** Outside libraries that run in the citizen's browser or decide what is proven: each is named here on purpose. */
const PURE_LIBRARIES: { readonly [name: string]: readonly string[] } = {
  standards: ['@bufbuild/protobuf', '@noble/hashes', 'cborg'],
  tlog: ['@noble/curves', '@noble/hashes'],
  protocol: ['@cfworker/json-schema', 'typebox'],
  'contracts-engine': ['@marcbachmann/cel-js', 'yaml'],
};

function dependenciesOf(name: string): string[] {
  const manifest = JSON.parse(read(`${name}/package.json`)) as { readonly dependencies?: { readonly [dependency: string]: string } };
  return Object.keys(manifest.dependencies ?? {});
}

function ownPackageOf(specifier: string): string | undefined {
  return /^@airtight\/([a-z-]+)/.exec(specifier)?.[1];
}

test('every package has its place among the layers', () => {
  assert.deepEqual(packages, Object.keys(MAY_IMPORT).sort());
});

for (const name of packages) {
  test(`${name} depends on lower layers alone`, () => {
    const allowed = MAY_IMPORT[name] ?? [];
    const own = dependenciesOf(name).flatMap((dependency) => ownPackageOf(dependency) ?? []);
    const wrong = own.filter((dependency) => !allowed.includes(dependency));
    assert.deepEqual(wrong, []);
    const libraries = PURE_LIBRARIES[name];
    if (libraries)
      assert.deepEqual(
        dependenciesOf(name).filter((d) => ownPackageOf(d) === undefined && !libraries.includes(d)),
        [],
      );
  });

  test(`${name} imports lower layers alone, and what lies outside it by name`, () => {
    const wrong: string[] = [];
    for (const path of sources.filter((file) => file.startsWith(`${name}/`))) {
      for (const specifier of importsOf(path)) {
        const target = ownPackageOf(specifier);
        const foreign = target !== undefined && target !== name && !(MAY_IMPORT[name] ?? []).includes(target);
        const upAndOut = specifier.startsWith('.') && !resolveFrom(path, specifier).startsWith(`${name}/`);
        const platform = PURE.includes(name) && specifier.startsWith('node:') && !path.endsWith('.test.ts');
        if (foreign || upAndOut || platform || specifier.startsWith('../../')) wrong.push(`${path}: ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
}

test('every source file is reached from an entry', () => {
  const isEntry = (path: string) =>
    /\.test\.ts$|\/main\.ts$|\.config\.ts$|^tests\/(run|typecheck)\.ts$|^tests\/tidy\/.*-document\.ts$/.test(path);
  const exported = packages.flatMap((name) => exportsOf(name));
  const reached = new Set<string>([...sources.filter(isEntry), ...exported]);
  for (const path of sources) {
    for (const specifier of [...importsOf(path), ...filesNamedBy(path)])
      if (specifier.startsWith('.')) reached.add(resolveFrom(path, specifier));
  }
  for (const path of files.filter((file) => file.endsWith('.html'))) {
    for (const match of read(path).matchAll(/src="\/([^"]+)"/g)) reached.add(`${path.split('/')[0]}/${match[1]}`);
  }
  assert.deepEqual(
    sources.filter((path) => !reached.has(path)),
    [],
  );
});

/** Source files a package offers; with a pattern, all that match it. */
function exportsOf(name: string): string[] {
  const manifest = JSON.parse(read(`${name}/package.json`)) as { readonly exports?: { readonly [entry: string]: string } };
  return Object.values(manifest.exports ?? {}).flatMap((target) => {
    const path = `${name}/${target.replace('./', '')}`;
    const [before = '', after] = path.split('*');
    return after === undefined ? [path] : sources.filter((file) => file.startsWith(before) && file.endsWith(after));
  });
}
