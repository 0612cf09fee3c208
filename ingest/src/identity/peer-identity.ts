/** Who is at the other end of a TLS connection, as far as a certificate tells. */
import { timingSafeEqual } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** A client certificate that the TLS layer has verified against a CA it trusts. */
export interface PeerIdentity {
  /** Subject CN, when it has exactly one. */
  readonly commonName?: string;
  /** Lower-case hex SHA-256 of the certificate's DER. */
  readonly fingerprint256: string;
  /** Whose CA the chain ends at: this deployment's own, or the agency's. */
  readonly authorizedBy: 'own' | 'agency';
}

/** Certificates between a device's and its root; real chains have one or two. */
const CHAIN_MAX = 8;

/**
 * @param ownCaDer DER of this deployment's own CA certificate, when it has one
 * @returns undefined when the peer showed no certificate, or one that no trusted CA has issued
 */
export function peerIdentityOf(socket: TLSSocket, ownCaDer: Uint8Array | undefined): PeerIdentity | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate(true);
  if (certificate.raw === undefined) return undefined;
  const { CN } = certificate.subject;
  return {
    ...(typeof CN === 'string' ? { commonName: CN } : {}),
    fingerprint256: fingerprint(certificate.fingerprint256),
    authorizedBy: ownCaDer !== undefined && endsAt(certificate, ownCaDer) ? 'own' : 'agency',
  };
}

/** `AB:CD…` and `abcd…` as lower-case hex; undefined when it is no SHA-256 fingerprint. */
export function parseFingerprint(text: string): string | undefined {
  const hex = fingerprint(text);
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
}

function fingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}

function endsAt(leaf: DetailedPeerCertificate, rootDer: Uint8Array): boolean {
  let at = leaf;
  for (let depth = 0; depth < CHAIN_MAX; depth++) {
    const { raw } = at;
    if (raw.length === rootDer.length && timingSafeEqual(raw, rootDer)) return true;
    if (at.issuerCertificate === undefined || at.issuerCertificate === at) return false;
    at = at.issuerCertificate;
  }
  return false;
}
