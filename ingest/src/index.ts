export { nodeSha256, RunningRoot } from './batch/running-root.ts';
export { INGEST_SETTINGS, type IngestConfig } from './config.ts';
export { type Ingest, startIngest } from './ingest.ts';
export { tagOfBody } from './intake.ts';
export { INDEX_ENTRY_BYTES, indexPath, listSegments, scanSegment, segmentPath } from './journal/segment.ts';
