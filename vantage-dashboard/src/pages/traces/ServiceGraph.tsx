import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { useSize } from '../../ui/useSize';
import { fit, pan, reveal, zoom, type Camera } from './camera';
import { layered, NODE_HEIGHT, NODE_WIDTH, pathThrough } from './mapLayout';
import './serviceGraph.css';

export type Tone = 'healthy' | 'degraded' | 'unhealthy' | 'unknown';

export interface GraphNode {
  id: string;
  name: string;
  /** What it is, where it is no service. */
  kind: string;
  /** A line of figures below the name. */
  figures: string;
  tone: Tone;
  glyph: string;
}

export interface GraphCall {
  id: string;
  caller: string;
  callee: string;
  /** Shown at the line, and read out. */
  figures: string;
  /** 0 … 1: how wide its line is. */
  weight: number;
  tone: Tone;
  isAsync: boolean;
}

interface ServiceGraphProps {
  label: string;
  nodes: readonly GraphNode[];
  calls: readonly GraphCall[];
  selected: string | null;
  /** Id of a node or of a call; null: neither. */
  onSelect: (id: string | null) => void;
}

const READABLE_SCALE = 0.45;
const STEP_PX = 60;
const MOST_LETTERS = 22;

/** Services and their calls from left to right. Drag, wheel and pinch move and zoom; arrows go along the calls. */
export function ServiceGraph({ label, nodes, calls, selected, onSelect }: ServiceGraphProps) {
  const [box, size] = useSize();
  const layout = useMemo(() => layered(nodes.map(({ id }) => id), calls), [nodes, calls]);
  const [own, setOwn] = useState<Camera | null>(null);
  const fitted = fit(layout, size, READABLE_SCALE);
  // Until somebody moves it, all of the graph stays in view, whatever comes and goes.
  const camera = own ?? fitted;
  const { ref: svg, hasMoved, handlers } = useMoves(camera, setOwn);
  const id = useId();
  const [pointed, setPointed] = useState<string | null>(null);
  const lit = useMemo(() => litBy(selected ?? pointed, calls), [selected, pointed, calls]);
  const middle = { x: size.width / 2, y: size.height / 2 };

  const choose = (nodeId: string) => {
    onSelect(nodeId);
    const at = layout.nodes.get(nodeId);
    if (at) setOwn(reveal(camera, { ...at, width: NODE_WIDTH, height: NODE_HEIGHT }, size));
  };
  const key = (e: KeyboardEvent) => {
    const moves: Record<string, Camera> = { '+': zoom(camera, 1.25, middle), '=': zoom(camera, 1.25, middle), '-': zoom(camera, 0.8, middle), ArrowLeft: pan(camera, STEP_PX, 0), ArrowRight: pan(camera, -STEP_PX, 0), ArrowUp: pan(camera, 0, STEP_PX), ArrowDown: pan(camera, 0, -STEP_PX) };
    const next = moves[e.key];
    if (next) setOwn(next);
    else if (e.key === '0') setOwn(null);
    else if (e.key === 'Escape') onSelect(null);
    else return;
    e.preventDefault();
  };
  return (
    <div className="graph" ref={box}>
      <svg ref={svg} role="group" tabIndex={0} aria-label={`${label}. Arrow keys move the map, plus and minus zoom, 0 shows all. Tab goes from service to service.`} onKeyDown={key} {...handlers} data-testid="service-graph">
        <g transform={`translate(${camera.x} ${camera.y}) scale(${camera.scale})`}>
          {calls.map((call, i) => (
            <g
              key={call.id}
              className={`graph-call tone-${call.tone}`}
              data-dim={(lit !== null && !lit.has(call.id)) || undefined}
              data-lit={lit?.has(call.id) ?? undefined}
              data-testid="graph-call"
              onClick={() => !hasMoved() && onSelect(call.id)}
            >
              <path d={pathThrough(layout.lines[i]!)} className="graph-hit" />
              <path d={pathThrough(layout.lines[i]!)} className="graph-line" strokeWidth={1 + call.weight * 3.5} strokeDasharray={call.isAsync ? '7 5' : undefined} markerEnd={`url(#${id}-${call.tone})`} />
              <title>{inertText(`${nameOf(nodes, call.caller)} → ${nameOf(nodes, call.callee)}: ${call.figures}`)}</title>
            </g>
          ))}
          {nodes.map((node) => {
            const at = layout.nodes.get(node.id)!;
            return (
              <g
                key={node.id}
                role="button"
                tabIndex={0}
                aria-pressed={node.id === selected}
                aria-label={`${shortened(node.name)} ${lineOf(node)}${node.name.length > MOST_LETTERS ? `, ${inertText(node.name)}` : ''}`}
                className={`graph-node tone-${node.tone}`}
                transform={`translate(${at.x} ${at.y})`}
                data-dim={(lit !== null && !lit.has(node.id)) || undefined}
                data-testid="graph-node"
                onPointerEnter={() => setPointed(node.id)}
                onPointerLeave={() => setPointed(null)}
                onClick={() => !hasMoved() && onSelect(node.id)}
                onFocus={(e) => e.currentTarget.matches(':focus-visible') && setOwn(reveal(camera, { ...at, width: NODE_WIDTH, height: NODE_HEIGHT }, size))}
                onKeyDown={(e) => {
                  if (e.key !== 'Enter' && e.key !== ' ') return;
                  e.preventDefault();
                  e.stopPropagation();
                  choose(node.id);
                }}
              >
                <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={8} className="graph-box" />
                <rect width={4} height={NODE_HEIGHT - 16} x={8} y={8} rx={2} fill="currentColor" />
                <text x={22} y={21} className="graph-name"><tspan fill="currentColor" aria-hidden="true">{node.glyph} </tspan>{`${shortened(node.name)} `}</text>
                <text x={22} y={38} className="graph-figures">{lineOf(node)}</text>
              </g>
            );
          })}
        </g>
        <defs>
          {(['healthy', 'degraded', 'unhealthy', 'unknown'] as const).map((tone) => (
            <marker key={tone} id={`${id}-${tone}`} className={`tone-${tone}`} viewBox="0 0 8 8" refX={7} refY={4} markerWidth={8} markerHeight={8} markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor" /></marker>
          ))}
        </defs>
      </svg>
      <div className="graph-tools">
        <Button aria-label="Zoom in" onClick={() => setOwn(zoom(camera, 1.4, middle))}>+</Button>
        <Button aria-label="Zoom out" onClick={() => setOwn(zoom(camera, 1 / 1.4, middle))}>−</Button>
        <Button onClick={() => setOwn(fit(layout, size))}>Fit</Button>
      </div>
    </div>
  );
}

/** What belongs to a node or a call: itself, and its other ends. */
function litBy(id: string | null, calls: readonly GraphCall[]): Set<string> | null {
  if (id === null) return null;
  const near = calls.filter((call) => call.id === id || call.caller === id || call.callee === id);
  return new Set([id, ...near.flatMap((call) => [call.id, call.caller, call.callee])]);
}

const nameOf = (nodes: readonly GraphNode[], id: string): string => nodes.find((node) => node.id === id)?.name ?? id;

const lineOf = ({ kind, figures }: GraphNode): string => (kind === 'service' ? figures : `${kind} · ${figures}`);

function shortened(name: string): string {
  const text = inertText(name);
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text;
}

const CLICK_REACH_PX = 4;

/** Drag, wheel and pinch. Numbers of pointers and the last places live outside React: they change with every move. */
function useMoves(camera: Camera, onCamera: (camera: Camera) => void) {
  const ref = useRef<SVGSVGElement>(null);
  const latest = useRef(camera);
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const way = useRef(0);
  useEffect(() => {
    latest.current = camera;
  }, [camera]);
  useEffect(() => {
    const element = ref.current;
    // React listens to wheels passively; the page would scroll along.
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      const { left, top } = element!.getBoundingClientRect();
      onCamera(zoom(latest.current, Math.exp(-e.deltaY * 0.0015), { x: e.clientX - left, y: e.clientY - top }));
    };
    element?.addEventListener('wheel', wheel, { passive: false });
    return () => element?.removeEventListener('wheel', wheel);
  }, [onCamera]);

  const move = (e: PointerEvent<SVGSVGElement>) => {
    const before = pointers.current.get(e.pointerId);
    if (!before) return;
    const now = { x: e.clientX, y: e.clientY };
    way.current += Math.hypot(now.x - before.x, now.y - before.y);
    pointers.current.set(e.pointerId, now);
    if (way.current < CLICK_REACH_PX) return;
    if (!e.currentTarget.hasPointerCapture(e.pointerId)) e.currentTarget.setPointerCapture(e.pointerId);
    const other = [...pointers.current].find(([pointer]) => pointer !== e.pointerId)?.[1];
    const next = other ? pinched(latest.current, before, now, other, e.currentTarget.getBoundingClientRect()) : pan(latest.current, now.x - before.x, now.y - before.y);
    latest.current = next;
    onCamera(next);
  };
  const end = (e: PointerEvent) => void pointers.current.delete(e.pointerId);
  return {
    ref,
    hasMoved: () => way.current >= CLICK_REACH_PX,
    handlers: {
      onPointerDown: (e: PointerEvent) => {
        if (pointers.current.size === 0) way.current = 0;
        pointers.current.set(e.pointerId, { x: e.clientX, y: e.clientY });
      },
      onPointerMove: move,
      onPointerUp: end,
      onPointerCancel: end,
      onPointerLeave: end,
    },
  };
}

interface Place { x: number; y: number }

/** Two fingers: the nearer the other one, the smaller; the point between them moves along. */
function pinched(camera: Camera, before: Place, now: Place, other: Place, { left, top }: { left: number; top: number }): Camera {
  const distance = (at: Place) => Math.max(1, Math.hypot(at.x - other.x, at.y - other.y));
  const centre = { x: (now.x + other.x) / 2 - left, y: (now.y + other.y) / 2 - top };
  return pan(zoom(camera, distance(now) / distance(before), centre), (now.x - before.x) / 2, (now.y - before.y) / 2);
}
