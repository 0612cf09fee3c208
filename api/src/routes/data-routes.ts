/** What was measured: datasets, producers, newest values, series, raw observations, the daily report. */
import {
  AirIndex,
  AirtightError,
  type DeviceRecord,
  isName,
  LatestItem,
  ObservationItem,
  Page,
  Producer,
  Series,
} from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { hiddenDatasets, requireReadable } from '../accounts/confidential.ts';
import type { ClockSkews } from '../project/clock-skew.ts';
import { readDaily } from '../query/daily.ts';
import { observationsCsv, readObservations } from '../query/observations.ts';
import { readSeries, SERIES_MAX_POINTS } from '../query/series.ts';
import { zoneOffsetMs } from '../query/time-zone.ts';
import type { RouteContext } from './context.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const PropertyName = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' });
const Time = Type.String({ format: 'date-time', maxLength: 40 });
const OBSERVATIONS_MAX = 10_000;
const DAY_MS = 86_400_000;

const SeriesParameters = Type.Object({
  producer: Name,
  dataset: Name,
  observedProperty: PropertyName,
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  maxPoints: Type.Integer({ minimum: 2, maximum: SERIES_MAX_POINTS, default: 500 }),
  /** Without values that are suspect or failed. */
  good: Type.Boolean({ default: false }),
});
const ObservationsParameters = Type.Object({
  record: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'What one record says.' })),
  producer: Type.Optional(Name),
  dataset: Type.Optional(Name),
  observedProperty: Type.Optional(PropertyName),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: OBSERVATIONS_MAX, default: 1000 }),
});
const LatestParameters = Type.Object({ dataset: Type.Optional(Name), producer: Type.Optional(Name) });
/** Stations one daily report may name; without a list it covers all. */
const DAILY_PRODUCERS_MAX = 100;
const DailyParameters = Type.Object({
  dataset: Name,
  producer: Type.Optional(
    Type.String({
      maxLength: DAILY_PRODUCERS_MAX * 65,
      description: `Names separated by commas, at most ${DAILY_PRODUCERS_MAX}; absent: all stations.`,
    }),
  ),
  date: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description: 'Calendar day in the zone of the deployment.' }),
});
/** The daily report of one station: its index, and how many valid hours each pollutant had. */
const DailyReport = Type.Object({ producer: Type.String(), index: AirIndex, hours: Type.Record(Type.String(), Type.Integer()) });

export function dataRoutes(app: FastifyInstance, context: RouteContext): void {
  directoryRoutes(app, context);
  latestRoute(app, context);
  seriesRoute(app, context);
  observationsRoute(app, context);
  dailyRoute(app, context);
}

function directoryRoutes(app: FastifyInstance, { control, skew }: RouteContext): void {
  const config = { access: 'viewer' } as const;
  app.get('/producers', { config, schema: { response: { 200: Page(Producer) } } }, async () => ({
    items: [...control.producers.values()].sort((a, b) => (a.producer < b.producer ? -1 : 1)).map((device) => producerItem(device, skew)),
    next: null,
  }));
  const schema = { params: Type.Object({ id: Type.String({ maxLength: 64 }) }), response: { 200: Producer } };
  app.get<{ Params: { id: string } }>('/producers/:id', { config, schema }, async (request) => {
    const device = control.producers.get(request.params.id);
    if (device === undefined) throw new AirtightError('NOT_FOUND', `producer ${request.params.id}`);
    return producerItem(device, skew);
  });
}

/** Never its credentials, nor what it may subscribe to. */
function producerItem(device: DeviceRecord, skew: ClockSkews): Producer {
  const { producer, agency, kind, name, region, location, datasets, simulated, revoked, provisioned, signatureRequired } = device;
  const clock = skew.of(producer);
  return {
    producer,
    agency,
    kind,
    name,
    ...(region === undefined ? {} : { region }),
    ...(location === undefined ? {} : { location }),
    datasets: [...datasets],
    simulated,
    revoked,
    ...(clock === undefined ? {} : { clockSkewMs: clock.skewMs, clockSkewReadings: clock.readings }),
    ...(provisioned === undefined ? {} : { provisioned }),
    ...(signatureRequired === undefined ? {} : { signatureRequired }),
  };
}

function latestRoute(app: FastifyInstance, { latest, control }: RouteContext): void {
  const schema = { querystring: LatestParameters, response: { 200: Page(LatestItem) } };
  app.get<{ Querystring: Static<typeof LatestParameters> }>('/latest', { config: { access: 'viewer' }, schema }, async (request, reply) => {
    // The items are kept as texts; the serializer passes them on as they are.
    const text = `{"items":[${latest.texts(request.query, hiddenDatasets(request.identity, control.datasets)).join(',')}],"next":null}`;
    return reply.type('application/json; charset=utf-8').serializer(String).send(text);
  });
}

function seriesRoute(app: FastifyInstance, { control, store, config }: RouteContext): void {
  const schema = { querystring: SeriesParameters, response: { 200: Series } };
  app.get<{ Querystring: Static<typeof SeriesParameters> }>('/series', { config: { access: 'viewer' }, schema }, async (request) => {
    const { producer, dataset, observedProperty, maxPoints, good } = request.query;
    requireReadable(request.identity, dataset, control.datasets);
    const to = epochMs(request.query.to) ?? Date.now();
    const from = epochMs(request.query.from) ?? to - DAY_MS;
    const query = { producer, dataset, observedProperty, from, to, maxPoints, good };
    return readSeries(
      store,
      query,
      { definition: control.datasets.current(dataset), flags: control.flags.inForce(query) },
      zoneOffsetMs(config.timeZone, from),
    );
  });
}

function observationsRoute(app: FastifyInstance, { store, control }: RouteContext): void {
  const schema = {
    querystring: ObservationsParameters,
    produces: ['application/json', 'text/csv'],
    response: { 200: Page(ObservationItem) },
  };
  app.get<{ Querystring: Static<typeof ObservationsParameters> }>(
    '/observations',
    { config: { access: 'viewer' }, schema },
    async (request, reply) => {
      const { from, to, record, ...rest } = request.query;
      const position = record === undefined ? undefined : Number(record);
      if (rest.dataset !== undefined) requireReadable(request.identity, rest.dataset, control.datasets);
      const hidden = hiddenDatasets(request.identity, control.datasets);
      const page = await readObservations(store, { ...rest, position, from: epochMs(from), to: epochMs(to), hidden }, control);
      const asCsv = request.headers.accept?.includes('text/csv') === true;
      // Items come from our own rows: JSON.stringify is several times faster than checking each against the schema.
      reply.serializer(String).type(asCsv ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8');
      if (!asCsv) return reply.send(JSON.stringify(page));
      if (page.next !== null) reply.header('airtight-next', page.next);
      return reply.send(observationsCsv(page.items));
    },
  );
}

function dailyRoute(app: FastifyInstance, { store, control, config }: RouteContext): void {
  const schema = { querystring: DailyParameters, response: { 200: Page(DailyReport) } };
  app.get<{ Querystring: Static<typeof DailyParameters> }>('/daily', { config: { access: 'viewer' }, schema }, async (request) => {
    const { dataset, producer, date } = request.query;
    const definition = isName(dataset) ? control.datasets.current(dataset) : undefined;
    if (definition === undefined) throw new AirtightError('NOT_FOUND', `dataset ${dataset}`);
    requireReadable(request.identity, dataset, control.datasets);
    const producers = producer?.split(',');
    if (producers !== undefined && (producers.length > DAILY_PRODUCERS_MAX || !producers.every(isName))) {
      throw new AirtightError('REQUEST_INVALID', `producer: 1 to ${DAILY_PRODUCERS_MAX} names`);
    }
    const midnightUtc = Date.parse(`${date}T00:00:00Z`);
    if (Number.isNaN(midnightUtc)) throw new AirtightError('REQUEST_INVALID', `date ${date}`);
    const from = midnightUtc - zoneOffsetMs(config.timeZone, midnightUtc);
    return {
      items: await readDaily(store, { dataset, producers, from }, { definition, flags: control.flags.inForceOn(dataset) }),
      next: null,
    };
  });
}

function epochMs(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) throw new AirtightError('REQUEST_INVALID', `time ${time}`);
  return ms;
}
