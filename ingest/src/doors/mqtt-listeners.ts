/** Where MQTT clients connect: TCP, TLS, WebSocket, WebSocket over TLS. All of them lead to the same broker. */
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, STATUS_CODES } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { type PeerIdentity, peerIdentityOf } from '../identity/peer-identity.ts';
import type { ByteStream } from './byte-stream.ts';
import { PACKET_MAX_BYTES } from './mqtt-connection.ts';
import type { TlsMaterial } from './tls-material.ts';
import { WebSocketStream } from './websocket-stream.ts';

/** How often connections are looked at that have not sent a whole HTTP request. */
const HANDSHAKE_CHECK_MS = 1000;
/** A peer that vanished without a word is looked for after this long without traffic, whatever its MQTT keep-alive. */
const TCP_KEEP_ALIVE_MS = 60_000;
/** A WebSocket handshake is a short request: no cookies of ours, no body. */
const HEADERS_MAX_BYTES = 8 * 1024;
const WEBSOCKET_PATH = '/mqtt';
/** [MQTT-6.0.0-3] the client must offer it, the server must choose it. */
const SUBPROTOCOL = 'mqtt';

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };

/** Port of each listener: 0 picks a free one, -1 has none. */
export interface MqttPorts {
  readonly tcp: number;
  readonly tls: number;
  readonly ws: number;
  readonly wss: number;
}

export interface MqttPeer {
  /** The TCP or TLS socket below the stream, which may be the stream itself. */
  readonly socket: Socket;
  /** Set when the client showed a certificate that the client CA vouches for. */
  readonly identity: PeerIdentity | undefined;
}

export interface MqttListenerOptions {
  readonly host: string;
  readonly ports: MqttPorts;
  /** Needed for TLS and WebSocket over TLS. */
  readonly tls: TlsMaterial | undefined;
  readonly connectionsMax: number;
  /** The TLS handshake, and the HTTP request that becomes a WebSocket, must be through within this time. */
  readonly handshakeTimeoutMs: number;
  /** A connection had no place and was closed. */
  readonly onDropped: (remoteAddress: string | undefined) => void;
  readonly accept: (stream: ByteStream, peer: MqttPeer) => void;
  /** A connection ended before it spoke MQTT: a failed handshake, a certificate that is not vouched for. */
  readonly onRefused: (reason: string, remoteAddress: string | undefined) => void;
}

export class MqttListeners {
  readonly #options: MqttListenerOptions;
  readonly #servers: Server[] = [];
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: PACKET_MAX_BYTES,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols: () => SUBPROTOCOL,
  });

  private constructor(options: MqttListenerOptions) {
    this.#options = options;
  }

  /** Opens the listeners that have a port. @returns with the ports they got, -1 where there is none */
  static async open(options: MqttListenerOptions): Promise<MqttListeners & { readonly ports: MqttPorts }> {
    const listeners = new MqttListeners(options);
    const { tcp, tls, ws, wss } = options.ports;
    try {
      const ports = {
        tcp: await listeners.#listen(tcp, () => listeners.#tcpServer()),
        tls: await listeners.#listen(tls, () => listeners.#tlsServer()),
        ws: await listeners.#listen(ws, () => listeners.#upgrading(createHttpServer(listeners.#httpOptions(), refuseRequest))),
        wss: await listeners.#listen(wss, () => listeners.#wssServer()),
      };
      return Object.assign(listeners, { ports });
    } catch (error) {
      listeners.close();
      throw error;
    }
  }

  /** Takes no more connections; those that stand belong to the broker. */
  close(): void {
    for (const server of this.#servers) server.close();
    this.#webSockets.close();
  }

  #listen(port: number, create: () => Server): Promise<number> {
    if (port < 0) return Promise.resolve(-1);
    const server = create();
    server.maxConnections = this.#options.connectionsMax;
    server.on('drop', (data) => this.#options.onDropped(data?.remoteAddress));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#options.host, () => resolve((server.address() as AddressInfo).port));
    });
  }

  #tcpServer(): Server {
    return createServer(SOCKET_OPTIONS, (socket) => this.#accept(socket, socket));
  }

  #tlsServer(): Server {
    const material = this.#material();
    const server = createTlsServer({ ...SOCKET_OPTIONS, ...this.#tlsOptions(material) }, (socket) => this.#accept(socket, socket));
    server.on('tlsClientError', (error, socket) => {
      this.#options.onRefused(error.message, socket.remoteAddress);
      // After a handshake that took too long Node leaves this to us; an HTTPS server does it itself.
      socket.destroy();
    });
    material.onChange((options) => server.setSecureContext(options));
    return server;
  }

  #wssServer(): Server {
    const material = this.#material();
    const server = createHttpsServer({ ...this.#httpOptions(), ...this.#tlsOptions(material) }, refuseRequest);
    server.on('tlsClientError', (error, socket) => this.#options.onRefused(error.message, socket.remoteAddress));
    material.onChange((options) => server.setSecureContext(options));
    return this.#upgrading(server);
  }

  #upgrading<S extends Server>(server: S): S {
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const refusal = faultOf(request);
      if (refusal !== undefined) {
        this.#options.onRefused(`WebSocket handshake answered ${refusal}`, socket.remoteAddress);
        socket.end(`HTTP/1.1 ${refusal} ${STATUS_CODES[refusal]}\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#accept(new WebSocketStream(webSocket), socket));
    });
    return server;
  }

  /** @param socket the TCP or TLS socket below the stream, which may be the stream itself */
  #accept(stream: ByteStream, socket: Socket): void {
    const identity = 'getPeerX509Certificate' in socket ? peerIdentityOf(socket as TLSSocket) : undefined;
    if (typeof identity === 'string') {
      this.#options.onRefused(`client certificate: ${identity}`, socket.remoteAddress);
      stream.on('error', () => undefined);
      stream.destroy();
      return;
    }
    this.#options.accept(stream, { socket, identity });
  }

  #tlsOptions(material: TlsMaterial) {
    return {
      ...material.options,
      handshakeTimeout: this.#options.handshakeTimeoutMs,
      requestCert: material.asksForClientCertificate,
      // Devices with a password need no certificate; one that is shown and not vouched for is refused after the handshake.
      rejectUnauthorized: false,
    };
  }

  #httpOptions() {
    return {
      ...SOCKET_OPTIONS,
      headersTimeout: this.#options.handshakeTimeoutMs,
      requestTimeout: this.#options.handshakeTimeoutMs,
      connectionsCheckingInterval: HANDSHAKE_CHECK_MS,
      maxHeaderSize: HEADERS_MAX_BYTES,
    };
  }

  #material(): TlsMaterial {
    if (this.#options.tls === undefined) throw new Error('a TLS listener without certificate');
    return this.#options.tls;
  }
}

/** HTTP status with which a handshake is refused. */
function faultOf({ url, headers }: IncomingMessage): number | undefined {
  if (url?.split('?')[0] !== WEBSOCKET_PATH) return 404;
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  return offered?.includes(SUBPROTOCOL) ? undefined : 400;
}

/** Plain requests have nothing to find here. RFC 9110 §15.5.22. */
const refuseRequest: RequestListener = (_request, response) => {
  response.writeHead(426, { connection: 'close, upgrade', upgrade: 'websocket' }).end();
};
