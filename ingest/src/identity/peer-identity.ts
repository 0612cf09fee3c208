/** Who a peer is by the client certificate of its TLS connection, once that certificate has been verified. */
import type { TLSSocket } from 'node:tls';

export interface PeerIdentity {
  /** Common name of the certificate's subject; empty when it has none. */
  readonly commonName: string;
  /** SHA-256 of the certificate (DER), lower-case hex. */
  readonly fingerprint: string;
  /** The certificate itself, DER. */
  readonly certificate: Buffer;
}

/**
 * @returns the identity; undefined when the peer showed no certificate; the reason as text when it showed one that the
 *   client CA does not vouch for, or that is not valid now
 */
export function peerIdentityOf(socket: TLSSocket): PeerIdentity | string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  // Typed as an Error, and a code as text in truth.
  if (!socket.authorized) return String(socket.authorizationError);
  const { CN } = certificate.toLegacyObject().subject;
  return {
    commonName: (Array.isArray(CN) ? CN[0] : CN) ?? '',
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    certificate: certificate.raw,
  };
}
