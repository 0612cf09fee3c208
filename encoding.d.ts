// WHATWG Encoding: the one platform interface the pure packages use. Browsers and Node both have it, but TypeScript
// declares it only together with the DOM or with Node, which those packages must not see.
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}
