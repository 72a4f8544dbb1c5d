/** What is drawn at which cost, and when to step down. Pure. */

export interface Tier {
  name: 'high' | 'medium' | 'low';
  maxPixelRatio: number;
  bloom: boolean;
  reflection: boolean;
  ringSegments: number;
}

export const TIERS: Record<Tier['name'], Tier> = {
  high: { name: 'high', maxPixelRatio: 2, bloom: true, reflection: true, ringSegments: 90 },
  medium: { name: 'medium', maxPixelRatio: 1.25, bloom: true, reflection: false, ringSegments: 60 },
  low: { name: 'low', maxPixelRatio: 1, bloom: false, reflection: false, ringSegments: 48 },
};

export interface QualityChoice {
  tier: Tier;
  /** A person chose: do not step down. */
  fixed: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** `?quality=high|medium|low` and `?fx=on|off` win over what the renderer's name suggests. */
export function chooseQuality(query: URLSearchParams, renderer: string): QualityChoice {
  const wanted = query.get('quality');
  const named = wanted === 'high' || wanted === 'medium' || wanted === 'low' ? TIERS[wanted] : null;
  const tier = named ?? (SOFTWARE.test(renderer) ? TIERS.low : TIERS.high);
  const fx = query.get('fx');
  return { tier: fx === 'on' || fx === 'off' ? { ...tier, bloom: fx === 'on' } : tier, fixed: named !== null || fx !== null };
}

const WINDOW = 90;
const SLOW_MS = 26;

/** Steps down one tier when the median of a window of frames is slow. It never steps up: flapping is worse than less. */
export class TierMonitor {
  private readonly frames: number[] = [];

  /** Returns the tier to use from now on. */
  frame(ms: number, tier: Tier): Tier {
    // A pause (hidden tab, idle city) is not a slow frame.
    if (ms > 250) return tier;
    this.frames.push(ms);
    if (this.frames.length < WINDOW) return tier;
    const median = this.frames.sort((a, b) => a - b)[WINDOW / 2]!;
    this.frames.length = 0;
    if (median < SLOW_MS) return tier;
    return tier.name === 'high' ? TIERS.medium : TIERS.low;
  }
}
