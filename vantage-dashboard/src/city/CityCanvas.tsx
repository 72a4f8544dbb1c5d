import { Canvas, useFrame, useThree } from '@react-three/fiber';
import { Bloom, EffectComposer, SMAA, ToneMapping, Vignette } from '@react-three/postprocessing';
import { ToneMappingMode } from 'postprocessing';
import { useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { NeutralToneMapping, type PerspectiveCamera, type WebGLRenderer } from 'three';
import { GlProbe } from '../perf/glProbe';
import { CameraInput } from './camera/input';
import type { Insets } from './camera/rig';
import { watchContext } from './contextLoss';
import { CityEngine } from './engine';
import type { CityFeed } from './feed';
import type { Overlay } from './labels/cull';
import { LabelLayer } from './labels/labelLayer';
import { chooseQuality, TierMonitor, TIERS, type Tier } from './quality';

export interface HoverTarget {
  id: string;
  x: number;
  y: number;
}

/** What the page may ask of the city once it stands. */
export interface CityHandle {
  flyTo: (serviceId: string) => void;
  frameAll: () => void;
  toggleTopDown: () => void;
}

export interface CityCanvasProps {
  feed: CityFeed;
  selectedId: string | null;
  /** Ids that a search matches; null when nothing is searched for. */
  matches: ReadonlySet<string> | null;
  insets: Insets;
  /** What lies over the city now: names keep out from under it. */
  overlays: () => readonly Overlay[];
  reducedMotion: boolean;
  onSelect: (id: string | null) => void;
  onHover: (target: HoverTarget | null) => void;
  onReady: (handle: CityHandle | null) => void;
}

const QUERY = new URLSearchParams(window.location.search);

export default function CityCanvas(props: CityCanvasProps) {
  const [tier, setTier] = useState<Tier>(TIERS.high);
  const [fixed, setFixed] = useState(false);
  const testing = window.__vantage !== undefined;
  const created = ({ gl }: { gl: WebGLRenderer }) => {
    gl.toneMapping = NeutralToneMapping;
    const choice = chooseQuality(QUERY, rendererName(gl.getContext() as WebGL2RenderingContext));
    setTier(choice.tier);
    setFixed(choice.fixed);
  };
  return (
    <div className="city-canvas" aria-hidden="true">
      <Canvas
        frameloop="demand"
        dpr={Math.min(window.devicePixelRatio, tier.maxPixelRatio)}
        gl={{ antialias: false, powerPreference: 'high-performance', preserveDrawingBuffer: testing, stencil: false }}
        onCreated={created}
      >
        <CityScene {...props} tier={tier} setTier={fixed ? null : setTier} />
        {tier.bloom && (
          <EffectComposer multisampling={0} stencilBuffer={false}>
            <Bloom mipmapBlur luminanceThreshold={0.22} luminanceSmoothing={0.35} intensity={0.85} radius={0.72} levels={5} resolutionScale={0.5} />
            <ToneMapping mode={ToneMappingMode.NEUTRAL} />
            <SMAA />
            <Vignette offset={0.3} darkness={0.62} />
          </EffectComposer>
        )}
      </Canvas>
    </div>
  );
}

function rendererName(gl: WebGL2RenderingContext): string {
  const extension = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

interface SceneProps extends CityCanvasProps {
  tier: Tier;
  setTier: ((tier: Tier) => void) | null;
}

function CityScene({ feed, selectedId, matches, insets, overlays, reducedMotion, onSelect, onHover, onReady, tier, setTier }: SceneProps) {
  const { gl, size, invalidate, viewport } = useThree();
  // The engine lives as long as the canvas: later tiers only switch parts of it off.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a new tier must not rebuild the city
  const engine = useMemo(() => new CityEngine(feed, tier, reducedMotion), [feed, reducedMotion]);
  const labels = useRef<LabelLayer | null>(null);
  const input = useRef<CameraInput | null>(null);
  const monitor = useRef(new TierMonitor());
  const probe = useRef<GlProbe | null>(null);
  const pointer = useRef<{ x: number; y: number } | null>(null);
  const hovered = useRef<number | null>(null);
  const reported = useRef<{ x: number; y: number } | null>(null);
  const callbacks = useRef({ onSelect, onHover });

  useEffect(() => {
    callbacks.current = { onSelect, onHover };
  });

  const [gone, setGone] = useState(false);
  useEffect(() => watchContext(gl.domElement, { onRestored: invalidate, onGone: () => setGone(true) }), [gl, invalidate]);
  if (gone) throw new Error('the graphics context was lost and did not come back');

  useEffect(() => {
    const wake = () => {
      if (!document.hidden) invalidate();
    };
    const stop = feed.onArrival(wake);
    document.addEventListener('visibilitychange', wake);
    return () => {
      stop();
      document.removeEventListener('visibilitychange', wake);
    };
  }, [feed, invalidate]);

  useEffect(() => {
    const surface = gl.domElement;
    const host = document.createElement('div');
    host.className = 'city-labels';
    surface.parentElement?.append(host);
    labels.current = new LabelLayer(host, overlays);
    const move = () => {
      engine.touched();
      invalidate();
    };
    const idOf = (slot: number | null) => (slot === null ? null : (feed.world.services.get(slot)?.id ?? null));
    const boxOf = () => ({ width: surface.clientWidth, height: surface.clientHeight });
    input.current = new CameraInput(surface, engine.rig, {
      onActive: move,
      onHover: (at) => {
        pointer.current = at;
        invalidate();
      },
      onClick: (at) => callbacks.current.onSelect(idOf(engine.pick(at.x, at.y, boxOf()))),
      onFrameAll: () => engine.frameAll(),
      onFrameSelected: () => {
        const slot = engine.uniforms.uSelected.value;
        if (slot >= 0) engine.flyToSlot(slot);
        else engine.frameAll();
      },
    });
    onReady({
      flyTo: (id) => {
        const slot = feed.world.slotOf(id);
        if (slot !== undefined) engine.flyToSlot(slot);
        invalidate();
      },
      frameAll: () => {
        engine.frameAll();
        invalidate();
      },
      toggleTopDown: () => {
        engine.rig.toggleTopDown();
        move();
      },
    });
    return () => {
      onReady(null);
      input.current?.dispose();
      labels.current?.dispose();
      host.remove();
    };
  }, [engine, feed, gl, invalidate, onReady, overlays]);

  useEffect(() => {
    const vantage = window.__vantage;
    if (!vantage) return;
    const counter = new GlProbe(gl);
    probe.current = counter;
    vantage.attachCity({
      stats: () => counter.stats(),
      probe: (x, y) => counter.probe(x, y),
      coverage: (threshold) => counter.coverage(threshold),
      project: (id) => {
        const slot = feed.world.slotOf(id);
        return slot === undefined ? null : engine.projectSlot(slot, { width: gl.domElement.clientWidth, height: gl.domElement.clientHeight });
      },
    });
    return () => vantage.attachCity(null);
  }, [engine, feed, gl]);

  useEffect(() => {
    engine.insets = insets;
    engine.resize(size.width, size.height, viewport.dpr);
    invalidate();
  }, [engine, insets, size, viewport.dpr, invalidate]);

  useEffect(() => {
    engine.setTier(tier);
    if (probe.current) probe.current.tier = tier.name;
    invalidate();
  }, [engine, tier, invalidate]);

  useEffect(() => {
    engine.fleet.setDim(matches && ((slot) => matches.has(feed.world.services.get(slot)?.id ?? '')));
    invalidate();
  }, [engine, feed, matches, invalidate]);

  useFrame(({ camera }, seconds) => {
    probe.current?.begin();
    const held = input.current?.step(Math.min(seconds, 0.1)) ?? false;
    if (held) engine.touched();
    const box = { width: size.width, height: size.height };
    const slot = pointer.current ? engine.pick(pointer.current.x, pointer.current.y, box) : null;
    // Only a moved pointer or another building is news for React; a resting one is not.
    if (slot !== hovered.current || (slot !== null && pointer.current !== reported.current)) {
      const id = slot === null ? null : feed.world.services.get(slot)?.id;
      if (slot !== hovered.current) gl.domElement.style.cursor = slot === null ? '' : 'pointer';
      hovered.current = slot;
      reported.current = pointer.current;
      callbacks.current.onHover(id && pointer.current ? { id, ...pointer.current } : null);
    }
    const selected = selectedId === null ? undefined : feed.world.slotOf(selectedId);
    engine.setFocus(selected, slot ?? undefined);
    const active = engine.frame(Math.min(seconds, 0.1), camera as PerspectiveCamera);
    labels.current?.update({ world: feed.world, fleet: engine.fleet, view: engine.view, size: box, distance: engine.rig.pose.distance, now: engine.now, selected: selected ?? -1, hovered: slot ?? -1 });
    if (active || held) {
      const next = setTier ? monitor.current.frame(seconds * 1000, tier) : tier;
      if (next !== tier) setTier?.(next);
      if (!document.hidden) invalidate();
    }
  }, -1);

  return (
    <>
      <primitive object={engine.scene} />
      <FrameEnd probe={probe} manual={!tier.bloom} />
    </>
  );
}

/** Closes a frame's books after everything was drawn. A positive priority makes drawing ours when there is no composer. */
function FrameEnd({ probe, manual }: { probe: RefObject<GlProbe | null>; manual: boolean }) {
  useFrame(({ gl, scene, camera }) => {
    if (manual) gl.render(scene, camera);
    probe.current?.end();
    window.__vantage?.shown();
  }, 100);
  return null;
}
