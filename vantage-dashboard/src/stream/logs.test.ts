import { describe, expect, it } from 'vitest';
import { appendLogs, EMPTY_BUFFER, inertText, MAX_LINES, parseLogMessage, type LogLine } from './logs';

const line = (body: string): LogLine => ({ timestamp: 1, service_name: 's', severity: 'INFO', body, attributes: {}, trace_id: null, span_id: null });

describe('appendLogs', () => {
  it('keeps the newest lines, in order, each with its own key', () => {
    let buffer = EMPTY_BUFFER;
    for (let batch = 0; batch < 12; batch++) {
      buffer = appendLogs(buffer, { lines: Array.from({ length: 100 }, (_, i) => line(String(batch * 100 + i))), dropped: 1 });
    }
    expect(buffer.lines).toHaveLength(MAX_LINES);
    expect(buffer.lines[0]!.body).toBe('200');
    expect(buffer.lines.at(-1)!.body).toBe('1199');
    expect(new Set(buffer.lines.map((l) => l.key)).size).toBe(MAX_LINES);
    expect(buffer.dropped).toBe(12);
  });
});

describe('parseLogMessage', () => {
  it('passes over what is not a batch of lines', () => {
    expect(parseLogMessage('{"type":"heartbeat"}')).toBeNull();
    expect(parseLogMessage('{"type":"logs","data":[],"dropped":3}')).toEqual({ lines: [], dropped: 3 });
  });
});

describe('inertText', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007x', 'x'],
    ['\u001b[2J\u001b[Hgone', 'gone'],
    ['a\r\nb', 'a ⏎ b'],
    ['bell\u0007', 'bell\ufffd'],
    ['\u202eevil', '\ufffdevil'],
    ['<b>not bold</b>', '<b>not bold</b>'],
    ['tab\tstays', 'tab\tstays'],
  ])('%j → %j', (input, output) => {
    expect(inertText(input)).toBe(output);
  });
});
