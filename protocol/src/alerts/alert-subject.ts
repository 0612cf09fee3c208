/** What an alert is about, by its subject: one producer, a region, an agency or everything; of a group as of a single alert. */

export interface AlertSubject {
  /** It stands for many alerts of its rule. */
  readonly isGroup: boolean;
  readonly kind: 'producer' | 'region' | 'agency' | 'all';
  /** Of the producer, the region (its English name) or the agency; empty for everything. */
  readonly name: string;
}

const GROUP = 'group:';

/** @param subject `bj-1001`, `region:Beijing`, `agency:bj`, `all`, each of them also after `group:` */
export function alertSubject(subject: string): AlertSubject {
  const isGroup = isGroupSubject(subject);
  const about = isGroup ? subject.slice(GROUP.length) : subject;
  if (about === 'all') return { isGroup, kind: 'all', name: '' };
  const [, kind, name] = /^(region|agency):(.+)$/s.exec(about) ?? [];
  return name === undefined ? { isGroup, kind: 'producer', name: about } : { isGroup, kind: kind as 'region' | 'agency', name };
}

/** True of an alert by which people are told of many. */
export function isGroupSubject(subject: string): boolean {
  return subject.startsWith(GROUP);
}
