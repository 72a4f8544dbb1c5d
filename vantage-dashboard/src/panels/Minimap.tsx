import { useEffect, useRef, type PointerEvent } from 'react';
import type { MapScale, MapSource } from '../city/mapView';
import { drawMap, type MapInk } from './minimapDrawing';
import './minimap.css';

export interface MinimapProps {
  map: MapSource;
  /** In words, for who does not see it. */
  label: string;
}

const WIDTH = 196;
const HEIGHT = 136;
/** A camera in motion is followed this often. */
const DRAW_EVERY_MS = 66;

/** The city from above with what the camera sees of it; drawn anew only when something on it changed. A click or a drag goes there. */
export function Minimap({ map, label }: MinimapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = useRef<MapScale | null>(null);

  useEffect(() => {
    const surface = canvas.current;
    const pen = surface?.getContext('2d');
    if (!surface || !pen) return;
    const ratio = window.devicePixelRatio;
    surface.width = WIDTH * ratio;
    surface.height = HEIGHT * ratio;
    pen.scale(ratio, ratio);
    let drawn = 0, drawnAt = -Infinity, waiting: number | null = null;
    let ink = inkOf(surface);
    const draw = () => {
      waiting = null;
      drawnAt = performance.now();
      scale.current = drawMap(pen, WIDTH, HEIGHT, map.read(), ink);
      surface.dataset['drawn'] = String(++drawn);
    };
    const changed = () => {
      waiting ??= window.setTimeout(draw, Math.max(0, drawnAt + DRAW_EVERY_MS - performance.now()));
    };
    const stop = map.onChange(changed);
    const theme = new MutationObserver(() => {
      ink = inkOf(surface);
      changed();
    });
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    draw();
    return () => {
      stop();
      theme.disconnect();
      if (waiting !== null) window.clearTimeout(waiting);
    };
  }, [map]);

  const go = (e: PointerEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    if (e.buttons !== 1 || !box || !scale.current) return;
    map.lookAt(scale.current.toGround({ x: e.clientX - box.left, y: e.clientY - box.top }));
  };
  return (
    <canvas
      ref={canvas}
      className="minimap"
      data-testid="minimap"
      role="img"
      aria-label={label}
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        go(e);
      }}
      onPointerMove={go}
    />
  );
}

function inkOf(element: Element): MapInk {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return { ground: token('raised'), line: token('line'), sight: token('text'), selected: token('text'), statuses: ['unknown', 'healthy', 'degraded', 'unhealthy'].map(token) };
}
