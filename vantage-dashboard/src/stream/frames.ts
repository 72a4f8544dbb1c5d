import type { RequestColumns, TickColumns } from '../world/model';

/** The binary messages of /ws/city. Layout: docs/live-streams.md; little endian throughout. */

export const SCHEMA = 1;
export const HEADER_BYTES = 16;
export const TICK_BYTES = 20;
export const REQUEST_BYTES = 8;

const KIND_TICK = 1;
const KIND_REQUESTS = 2;
const FLAG_ERROR = 1;

export type Frame = { kind: 'tick'; tick: TickColumns } | { kind: 'requests'; requests: RequestColumns };

/** The server speaks a schema this build was not made for. */
export class NewerSchemaError extends Error {
  constructor(readonly schema: number) {
    super(`The server speaks city schema ${schema}; this dashboard understands ${SCHEMA}. Reload the page, or upgrade the dashboard.`);
    this.name = 'NewerSchemaError';
  }
}

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export function decodeFrame(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < HEADER_BYTES) throw new FrameError(`A frame of ${buffer.byteLength} bytes has no complete header (${HEADER_BYTES}).`);
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  const schema = view.getUint8(1);
  if (schema > SCHEMA) throw new NewerSchemaError(schema);
  const count = view.getUint32(4, true);
  switch (kind) {
    case KIND_TICK:
      requireLength(buffer, count, TICK_BYTES);
      return { kind: 'tick', tick: decodeTick(view, count) };
    case KIND_REQUESTS:
      requireLength(buffer, count, REQUEST_BYTES);
      return { kind: 'requests', requests: decodeRequests(view, count) };
    default:
      throw new FrameError(`Frame kind ${kind} is not known.`);
  }
}

function requireLength(buffer: ArrayBuffer, count: number, entryBytes: number): void {
  const expected = HEADER_BYTES + count * entryBytes;
  if (buffer.byteLength !== expected) throw new FrameError(`A frame of ${count} entries needs ${expected} bytes, got ${buffer.byteLength}.`);
}

function decodeTick(view: DataView, count: number): TickColumns {
  const tick: TickColumns = {
    time: view.getFloat64(8, true),
    slot: new Uint16Array(count),
    pods: new Uint16Array(count),
    rps: new Float32Array(count),
    errorRatio: new Float32Array(count),
    p95Ms: new Float32Array(count),
    health: new Uint8Array(count),
    status: new Uint8Array(count),
  };
  for (let i = 0, at = HEADER_BYTES; i < count; i++, at += TICK_BYTES) {
    tick.slot[i] = view.getUint16(at, true);
    tick.pods[i] = view.getUint16(at + 2, true);
    tick.rps[i] = view.getFloat32(at + 4, true);
    tick.errorRatio[i] = view.getFloat32(at + 8, true);
    tick.p95Ms[i] = view.getFloat32(at + 12, true);
    tick.health[i] = view.getUint8(at + 16);
    tick.status[i] = view.getUint8(at + 17);
  }
  return tick;
}

function decodeRequests(view: DataView, count: number): RequestColumns {
  const requests: RequestColumns = {
    time: view.getFloat64(8, true),
    sample: Math.max(1, view.getUint16(2, true)),
    edge: new Uint16Array(count),
    offsetMs: new Uint16Array(count),
    durationMs: new Uint16Array(count),
    error: new Uint8Array(count),
  };
  for (let i = 0, at = HEADER_BYTES; i < count; i++, at += REQUEST_BYTES) {
    requests.edge[i] = view.getUint16(at, true);
    requests.offsetMs[i] = view.getUint16(at + 2, true);
    requests.durationMs[i] = view.getUint16(at + 4, true);
    requests.error[i] = view.getUint16(at + 6, true) & FLAG_ERROR;
  }
  return requests;
}

/** The buffers to move, not copy, when a frame crosses from the worker. */
export function frameBuffers(frame: Frame): ArrayBufferLike[] {
  const columns = frame.kind === 'tick' ? frame.tick : frame.requests;
  return Object.values(columns).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer] : []));
}
