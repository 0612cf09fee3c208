/** What the routes work with. */
import type { Sessions } from '../accounts/sessions.ts';
import type { ChannelSecrets } from '../channels/channel-secrets.ts';
import type { ChannelsHost } from '../channels/channels-host.ts';
import type { ApiConfig } from '../config.ts';
import type { ContractsHost } from '../contracts/host.ts';
import type { ControlState } from '../control/control-state.ts';
import type { Fold } from '../fold.ts';
import type { ForkWatch } from '../forks/fork-watch.ts';
import type { AlertBook } from '../project/alert-book.ts';
import type { ClockSkews } from '../project/clock-skew.ts';
import type { LatestValues } from '../project/latest.ts';
import type { Projector } from '../project/projector.ts';
import type { ServiceBreaks } from '../project/service-breaks.ts';
import type { Store } from '../project/store.ts';
import type { RegionReceiver } from '../regions/region-receiver.ts';
import type { OwnRegion } from '../regions/regions.ts';
import type { StreamHub } from '../stream/hub.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { LedgerClient } from '../upstream/ledger-client.ts';
import type { UpstreamStatus } from '../upstream/upstream-status.ts';

export interface RouteContext {
  readonly config: ApiConfig;
  readonly store: Store;
  readonly ingest: IngestClient;
  readonly ledger: LedgerClient;
  readonly upstream: UpstreamStatus;
  readonly control: ControlState;
  readonly latest: LatestValues;
  readonly skew: ClockSkews;
  readonly alerts: AlertBook;
  readonly services: ServiceBreaks;
  readonly projector: Projector;
  readonly contracts: ContractsHost;
  readonly stream: StreamHub;
  readonly fold: Fold;
  readonly sessions: Sessions;
  readonly channels: ChannelsHost;
  readonly secrets: ChannelSecrets;
  readonly regions: OwnRegion;
  /** Takes what other regions send. */
  readonly receiver: RegionReceiver;
  /** Evidence that logs have two histories. */
  readonly forks: ForkWatch;
  /** Bearer token of our own services. */
  readonly internalToken: string;
  /** Why the feed cannot be followed at the moment, if so. */
  readonly feedFault: () => string | undefined;
  /** Folder of the store. */
  readonly storeDir: string;
}
