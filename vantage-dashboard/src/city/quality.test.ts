import { describe, expect, it } from 'vitest';
import { chooseQuality, TierMonitor, TIERS } from './quality';

const query = (text: string) => new URLSearchParams(text);

describe('chooseQuality', () => {
  it('starts high on a graphics card and low on a software renderer', () => {
    expect(chooseQuality(query(''), 'NVIDIA RTX').tier.name).toBe('high');
    expect(chooseQuality(query(''), 'ANGLE (Google, Vulkan (SwiftShader))').tier.name).toBe('low');
  });

  it('obeys the address bar', () => {
    expect(chooseQuality(query('quality=high'), 'SwiftShader')).toMatchObject({ tier: { name: 'high', bloom: true }, fixed: true });
    expect(chooseQuality(query('fx=off'), 'NVIDIA').tier).toMatchObject({ name: 'high', bloom: false });
  });
});

describe('TierMonitor', () => {
  const run = (ms: number, frames: number) => {
    const monitor = new TierMonitor();
    let tier = TIERS.high;
    for (let i = 0; i < frames; i++) tier = monitor.frame(ms, tier);
    return tier.name;
  };

  it('keeps a tier that runs smoothly', () => expect(run(16, 500)).toBe('high'));
  it('steps down one tier a window, to the lowest', () => {
    expect(run(40, 90)).toBe('medium');
    expect(run(40, 400)).toBe('low');
  });
  it('does not take a pause for slowness', () => expect(run(5000, 500)).toBe('high'));
});
