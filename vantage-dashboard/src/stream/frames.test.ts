import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HEALTH_UNKNOWN } from '../world/model';
import { decodeFrame, FrameError, frameBuffers, HEADER_BYTES, NewerSchemaError, REQUEST_BYTES, TICK_BYTES, type Frame } from './frames';

interface Header { kind: number; schema?: number; sample?: number; count: number; time?: number }

function bytes({ kind, schema = 1, sample = 1, count, time = 1_790_035_200_123 }: Header, entryBytes: number): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + count * entryBytes));
  view.setUint8(0, kind);
  view.setUint8(1, schema);
  view.setUint16(2, sample, true);
  view.setUint32(4, count, true);
  view.setFloat64(8, time, true);
  return view;
}

describe('decodeFrame', () => {
  it('reads a tick', () => {
    const view = bytes({ kind: 1, count: 2 }, TICK_BYTES);
    view.setUint16(16, 7, true);
    view.setUint16(18, 12, true);
    view.setFloat32(20, 1234.5, true);
    view.setFloat32(24, 0.25, true);
    view.setFloat32(28, 87.5, true);
    view.setUint8(32, 91);
    view.setUint8(33, 1);
    view.setUint16(36, 8, true);
    view.setFloat32(44, NaN, true);
    view.setUint8(52, 255);
    const frame = decodeFrame(view.buffer);
    expect(plain(frame)).toEqual({
      kind: 1, schema: 1, sample: 1, time: 1_790_035_200_123,
      entries: [
        { slot: 7, pods: 12, rps: 1234.5, error_ratio: 0.25, p95_ms: 87.5, health: 91, status: 'HEALTHY' },
        { slot: 8, pods: 0, rps: 0, error_ratio: null, p95_ms: 0, health: null, status: 'UNKNOWN' },
      ],
    });
  });

  it('reads requests with their sample and error flag', () => {
    const view = bytes({ kind: 2, sample: 5, count: 1, time: 2000 }, REQUEST_BYTES);
    view.setUint16(16, 3, true);
    view.setUint16(18, 999, true);
    view.setUint16(20, 65535, true);
    view.setUint16(22, 1, true);
    expect(plain(decodeFrame(view.buffer))).toEqual({
      kind: 2, schema: 1, sample: 5, time: 2000, entries: [{ edge: 3, offset_ms: 999, duration_ms: 65535, error: true }],
    });
  });

  it('refuses a newer schema and names both', () => {
    expect(() => decodeFrame(bytes({ kind: 1, schema: 2, count: 0 }, TICK_BYTES).buffer)).toThrow(NewerSchemaError);
    expect(() => decodeFrame(bytes({ kind: 1, schema: 2, count: 0 }, TICK_BYTES).buffer)).toThrow(/schema 2.*understands 1/);
  });

  it('refuses a frame whose length does not match its count', () => {
    const short = bytes({ kind: 1, count: 1 }, TICK_BYTES).buffer.slice(0, 30);
    expect(() => decodeFrame(short)).toThrow(FrameError);
    expect(() => decodeFrame(new ArrayBuffer(3))).toThrow(FrameError);
  });

  it('refuses an unknown kind', () => {
    expect(() => decodeFrame(bytes({ kind: 9, count: 0 }, 0).buffer)).toThrow(/kind 9/);
  });

  it('moves every column of a frame between threads', () => {
    expect(frameBuffers(decodeFrame(bytes({ kind: 1, count: 1 }, TICK_BYTES).buffer))).toHaveLength(7);
    expect(frameBuffers(decodeFrame(bytes({ kind: 2, count: 1 }, REQUEST_BYTES).buffer))).toHaveLength(4);
  });
});

describe.each(['city_tick', 'city_requests'])('the contract fixture %s', (name) => {
  const path = fileURLToPath(new URL(`../../../tests/contract/fixtures/${name}.json`, import.meta.url));

  it.skipIf(!existsSync(path))('decodes to what its writer says', () => {
    const fixture = JSON.parse(readFileSync(path, 'utf8')) as { hex: string; decoded: unknown };
    const buffer = Uint8Array.from(fixture.hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)).buffer;
    expect(rounded(plain(decodeFrame(buffer)))).toEqual(rounded(fixture.decoded));
  });
});

const STATUS_WORDS = ['UNKNOWN', 'HEALTHY', 'DEGRADED', 'UNHEALTHY'];

/** The frame in the fixtures' form. */
function plain(frame: Frame) {
  if (frame.kind === 'tick') {
    const t = frame.tick;
    return {
      kind: 1, schema: 1, sample: 1, time: t.time,
      entries: [...t.slot].map((slot, i) => ({
        slot, pods: t.pods[i], rps: t.rps[i], error_ratio: nanToNull(t.errorRatio[i]!), p95_ms: nanToNull(t.p95Ms[i]!),
        health: t.health[i] === HEALTH_UNKNOWN ? null : t.health[i], status: STATUS_WORDS[t.status[i]!],
      })),
    };
  }
  const r = frame.requests;
  return {
    kind: 2, schema: 1, sample: r.sample, time: r.time,
    entries: [...r.edge].map((edge, i) => ({ edge, offset_ms: r.offsetMs[i], duration_ms: r.durationMs[i], error: r.error[i] === 1 })),
  };
}

const nanToNull = (value: number) => (Number.isNaN(value) ? null : value);

/** The writer may state doubles where the wire holds singles. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, v: unknown) => (typeof v === 'number' ? Math.fround(v) : v));
}
