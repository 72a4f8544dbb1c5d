import { useFrame, useThree } from '@react-three/fiber';
import { useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import type { PerspectiveCamera } from 'three';
import { GlProbe } from '../perf/glProbe';
import type { CityEvent } from '../world/events';
import { bookmarks, setBookmark, type BookmarkKey } from './bookmarks';
import { CameraInput } from './camera/input';
import type { Insets, Pose } from './camera/rig';
import { watchContext } from './contextLoss';
import { CityEngine } from './engine';
import type { CityFeed } from './feed';
import { isCovered, type Overlay } from './labels/cull';
import { LabelLayer } from './labels/labelLayer';
import type { MapSource } from './mapView';
import { TierMonitor, type Tier } from './quality';
import { Effects } from './scene/effects';

export interface HoverTarget {
  id: string;
  x: number;
  y: number;
}

/** How the camera is set, for buttons that show it. */
export interface CameraState {
  following: boolean;
  topDown: boolean;
}

/** What the page may ask of the city once it stands. */
export interface CityHandle {
  flyTo: (serviceId: string) => void;
  frameAll: () => void;
  toggleTopDown: () => void;
  follow: (on: boolean) => void;
  setEdgePan: (on: boolean) => void;
  keepPlace: (key: BookmarkKey) => void;
  flyToPlace: (key: BookmarkKey) => void;
  map: MapSource;
}

export interface CitySceneProps {
  feed: CityFeed;
  selectedId: string | null;
  /** Ids that search and filters leave; null: all. */
  matches: ReadonlySet<string> | null;
  /** What panels cover of a city of this size. */
  insets: (size: { width: number; height: number }) => Insets;
  /** What lies over the city now: names keep out from under it. */
  overlays: () => readonly Overlay[];
  reducedMotion: boolean;
  day: boolean;
  onSelect: (id: string | null) => void;
  onHover: (target: HoverTarget | null) => void;
  onReady: (handle: CityHandle | null) => void;
  onCamera: (state: CameraState) => void;
  tier: Tier;
  setTier: ((tier: Tier) => void) | null;
}

export function CityScene({ feed, selectedId, matches, insets, overlays, reducedMotion, day, onSelect, onHover, onReady, onCamera, tier, setTier }: CitySceneProps) {
  const { gl, scene, camera, size, invalidate, viewport } = useThree();
  // The engine lives as long as the canvas: later tiers only switch parts of it off.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a new tier must not rebuild the city
  const engine = useMemo(() => new CityEngine(feed, tier, reducedMotion), [feed, reducedMotion]);
  const effects = useMemo(() => (tier.bloom ? new Effects(gl, scene, camera) : null), [tier.bloom, gl, scene, camera]);
  const labels = useRef<LabelLayer | null>(null);
  const input = useRef<CameraInput | null>(null);
  const monitor = useRef(new TierMonitor());
  const probe = useRef<GlProbe | null>(null);
  const pointer = useRef<{ x: number; y: number } | null>(null);
  const hovered = useRef<number | null>(null);
  const reported = useRef<{ x: number; y: number } | null>(null);
  const cameraReported = useRef('');
  const mapWatchers = useRef(new Set<() => void>());
  const mapDrawn = useRef('');
  const events = useRef<CityEvent[]>([]);
  const callbacks = useRef({ onSelect, onHover, onCamera });

  useEffect(() => {
    callbacks.current = { onSelect, onHover, onCamera };
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
    labels.current = new LabelLayer(host, overlays, () => {
      if (!document.hidden) invalidate();
    });
    const move = () => {
      engine.touched();
      invalidate();
    };
    const follow = (on: boolean) => {
      engine.following = on;
      const slot = engine.uniforms.uSelected.value;
      if (on && slot >= 0) engine.flyToSlot(slot);
      invalidate();
    };
    const flyToPose = (pose: Pose) => {
      engine.following = false;
      engine.rig.flyTo(pose);
      move();
    };
    const keepPlace = (key: BookmarkKey) => setBookmark(key, { name: engine.placeName(), pose: structuredClone(engine.rig.goal) });
    const flyToPlace = (key: BookmarkKey) => {
      const kept = bookmarks.getState()[key];
      if (kept) flyToPose(kept.pose);
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
      onFrameAll: () => {
        engine.following = false;
        engine.frameAll();
      },
      onFrameSelected: () => {
        const slot = engine.uniforms.uSelected.value;
        if (slot >= 0) engine.flyToSlot(slot);
        else engine.frameAll();
      },
      onFollow: () => follow(!engine.following),
      onPan: () => {
        engine.following = false;
        engine.touched();
      },
      onBookmark: (key, keep) => (keep ? keepPlace(key) : flyToPlace(key)),
      isCovered: ({ x, y }) => {
        const { left, top } = surface.getBoundingClientRect();
        return isCovered({ x: x + left, y: y + top }, overlays());
      },
    });
    onReady({
      flyTo: (id) => {
        const slot = feed.world.slotOf(id);
        if (slot !== undefined) engine.flyToSlot(slot);
        invalidate();
      },
      frameAll: () => {
        engine.following = false;
        engine.frameAll();
        invalidate();
      },
      toggleTopDown: () => {
        engine.rig.toggleTopDown();
        move();
      },
      follow,
      setEdgePan: (on) => {
        if (input.current) input.current.edgePan = on;
      },
      keepPlace,
      flyToPlace,
      map: {
        read: () => engine.mapPicture(),
        onChange: (callback) => {
          mapWatchers.current.add(callback);
          return () => mapWatchers.current.delete(callback);
        },
        lookAt: ({ x, z }) => {
          engine.following = false;
          engine.rig.lookAt(x, z);
          move();
        },
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
      probe: (x, y) => {
        const { left, top } = gl.domElement.getBoundingClientRect();
        return counter.probe(x - left, y - top);
      },
      coverage: (threshold) => counter.coverage(threshold),
      project: (id) => {
        const slot = feed.world.slotOf(id);
        return slot === undefined ? null : engine.projectSlot(slot, gl.domElement.getBoundingClientRect());
      },
      pickMs: (rounds) => engine.pickMs(rounds),
      flying: () => engine.flying(),
      isResting: () => engine.rig.gap === 0,
    });
    return () => vantage.attachCity(null);
  }, [engine, feed, gl]);

  useEffect(() => {
    engine.insets = insets(size);
    engine.resize(size.width, size.height, viewport.dpr);
    invalidate();
  }, [engine, insets, size, viewport.dpr, invalidate]);

  useEffect(() => effects?.setSize(size.width, size.height), [effects, size, viewport.dpr]);
  useEffect(() => () => effects?.dispose(), [effects]);

  useEffect(() => {
    engine.setTier(tier);
    if (probe.current) probe.current.tier = tier.name;
    invalidate();
  }, [engine, tier, invalidate]);

  useEffect(() => {
    engine.setDay(day);
    effects?.setDay(day);
    invalidate();
  }, [engine, effects, day, invalidate]);

  useEffect(() => {
    engine.setShown(matches && ((slot) => matches.has(feed.world.services.get(slot)?.id ?? '')));
    invalidate();
  }, [engine, feed, matches, invalidate]);

  // Following goes along to whatever is selected next.
  useEffect(() => {
    const slot = selectedId === null ? undefined : feed.world.slotOf(selectedId);
    if (engine.following && slot !== undefined) engine.flyToSlot(slot);
    invalidate();
  }, [engine, feed, selectedId, invalidate]);

  useFrame(({ camera: eye }, seconds) => {
    probe.current?.begin();
    const held = input.current?.step(Math.min(seconds, 0.1)) ?? false;
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
    const active = engine.frame(Math.min(seconds, 0.1), eye as PerspectiveCamera);
    events.current = feed.takeEvents?.() ?? [];
    const labelsMove =
      labels.current?.update({
        world: feed.world, fleet: engine.fleet, view: engine.view, size: box, distance: engine.rig.pose.distance, now: engine.now,
        selected: selected ?? -1, hovered: slot ?? -1, paths: engine.paths, news: events.current,
      }) ?? false;
    reportCamera();
    if (active || held || labelsMove) {
      const next = setTier ? monitor.current.frame(seconds * 1000, tier) : tier;
      if (next !== tier) setTier?.(next);
      if (!document.hidden) invalidate();
    }
  }, -1);

  /** Tells who shows the camera, once each time it is set differently. */
  function reportCamera(): void {
    const state = { following: engine.following, topDown: engine.rig.isTopDown };
    const now = `${state.following}/${state.topDown}`;
    if (now !== cameraReported.current) {
      cameraReported.current = now;
      callbacks.current.onCamera(state);
    }
    const { target, yaw, pitch, distance } = engine.rig.pose;
    const drawn = [engine.fleet.mapVersion, engine.uniforms.uSelected.value, target.x, target.z, yaw, pitch, distance, size.width, size.height].join();
    if (drawn === mapDrawn.current) return;
    mapDrawn.current = drawn;
    for (const watcher of mapWatchers.current) watcher();
  }

  return (
    <>
      <primitive object={engine.scene} />
      <FrameEnd probe={probe} effects={effects} />
    </>
  );
}

/** Draws, and closes the frame's books. Its priority makes drawing ours. */
function FrameEnd({ probe, effects }: { probe: RefObject<GlProbe | null>; effects: Effects | null }) {
  useFrame(({ gl, scene, camera }, seconds) => {
    if (effects) effects.render(seconds);
    else gl.render(scene, camera);
    probe.current?.end();
    window.__vantage?.drawn();
  }, 100);
  return null;
}
