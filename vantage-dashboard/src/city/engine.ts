import * as THREE from 'three';
import type { CityFeed } from './feed';
import { boxCorners, CameraRig, frameBest, framePoints, MAX_PITCH, NO_INSETS, pullIntoView, rayThrough, viewOf, FOV, project, type Angles, type Insets, type View } from './camera/rig';
import { emptyCurves, fillCurves, holds } from './curves';
import { heightOf, LOT, STATUS_RGB, STATUS_RGB_DAY } from './encoding';
import { Fleet } from './fleet';
import { sightOf, type MapPicture } from './mapView';
import { callPaths, edgeWeight, type CallPaths } from './paths';
import { pickBuilding } from './pick';
import { builtRects, cityRect, EMPTY_BLOCKS, gateOf, Ground, rectRadius, type Gate as GatePlace, type Rect, type Vec3 } from './plan';
import { scheduleRequests } from './playout';
import { createGround, createSky } from './scene/backdrop';
import { createBeacons } from './scene/beacons';
import { createBuildings } from './scene/buildings';
import { Edges } from './scene/edges';
import { FleetAttributes } from './scene/fleetAttributes';
import { Gate } from './scene/gate';
import { createGlow } from './scene/glow';
import { Plots } from './scene/plots';
import { createRings } from './scene/rings';
import { Signs } from './scene/signs';
import { Traffic } from './scene/traffic';
import { createUniforms } from './scene/uniforms';
import type { Tier } from './quality';

const PARTICLES = 65_536;
/** Float32 seconds stay exact to a tenth of a millisecond below this. */
const TIME_SHIFT_S = 900;
/** From the gate's side, a little to its left: traffic flows into the picture. */
const START_YAW = Math.PI * 0.87;
const START_ANGLES = [0.475, 0.54, 0.6, 0.66, 0.72].map((pitch): Angles => ({ yaw: START_YAW, pitch }));
/** On a phone held upright the city may be turned as well, so that its long side runs into the picture. */
const PORTRAIT_ANGLES = [0.87, 0.75, 0.99, 1.11, 1.23].flatMap((turn) => [0.6, 0.7, 0.8, 0.9].map((pitch): Angles => ({ yaw: Math.PI * turn, pitch })));
/** Close up, steep enough to look over the neighbours. */
const CLOSE_PITCH = 0.78;
/** How far a building steps back: one that a filter leaves out, one that has nothing to do with the selected one. */
const LEFT_OUT = 1;
const ASIDE = 0.5;

/**
 * The city as one object: takes what arrived, moves the camera, keeps the GPU's buffers current.
 * A frame costs a few comparisons; everything that moves on its own moves in the shaders.
 */
export class CityEngine {
  readonly scene = new THREE.Group();
  readonly fleet: Fleet;
  readonly rig: CameraRig;
  readonly uniforms = createUniforms();
  view: View;
  insets: Insets = NO_INSETS;
  /** The camera keeps the selected building in view. */
  following = false;
  /** Who reaches the selected building, and whom it reaches. */
  paths: CallPaths | null = null;

  private readonly attributes: FleetAttributes;
  private readonly traffic: Traffic;
  private readonly edges: Edges;
  private readonly plots: Plots;
  private readonly signs: Signs;
  private readonly gate: Gate;
  private readonly mirror: THREE.Mesh;
  private curves = emptyCurves(0);
  private epochMs = performance.now();
  private ground = new Ground([]);
  private rect: Rect = cityRect(this.ground, [], []);
  private gatePlace: GatePlace = gateOf(this.rect);
  private layoutVersion = -1;
  private shapeVersion = -1;
  private framedServices = -1;
  private userMoved = false;
  private hasHeights = false;
  private aspect = 1;
  private reflects = false;
  private selected = -1;
  private pathsOf = '';
  private shown: ((slot: number) => boolean) | null = null;

  constructor(
    readonly feed: CityFeed,
    tier: Tier,
    private readonly reducedMotion: boolean,
  ) {
    this.fleet = new Fleet(!reducedMotion);
    this.attributes = new FleetAttributes(this.fleet);
    this.traffic = new Traffic(this.uniforms, PARTICLES);
    this.edges = new Edges(this.uniforms);
    this.plots = new Plots(this.uniforms);
    this.signs = new Signs(this.uniforms);
    this.gate = new Gate(this.uniforms);
    const { buildings, mirror } = createBuildings(this.attributes, this.uniforms);
    this.mirror = mirror;
    this.scene.add(
      createSky(this.uniforms), mirror, createGround(this.uniforms), this.plots.mesh, this.signs.mesh, createGlow(this.attributes, this.uniforms),
      buildings, createBeacons(this.attributes, this.uniforms), this.gate.mesh, this.edges.mesh,
      createRings(this.attributes, this.uniforms, tier.ringSegments), this.traffic.points,
    );
    this.rig = new CameraRig({ target: { x: 0, y: 0, z: 0 }, ...START_ANGLES[0]!, distance: 60 });
    this.view = viewOf(this.rig.pose);
    this.uniforms.uMotion.value = reducedMotion ? 0 : 1;
    this.setTier(tier);
  }

  /** City time in seconds. */
  get now(): number {
    return (performance.now() - this.epochMs) / 1000;
  }

  setTier(tier: Tier): void {
    this.reflects = tier.reflection;
    this.setDay(this.uniforms.uDay.value === 1);
  }

  setDay(day: boolean): void {
    this.uniforms.uDay.value = day ? 1 : 0;
    // Lights shine back from a wet street; walls do not.
    this.mirror.visible = this.reflects && !day;
    this.uniforms.uReflect.value = this.mirror.visible ? 1 : 0;
    (day ? STATUS_RGB_DAY : STATUS_RGB).forEach(([r, g, b], status) => this.uniforms.uStatus.value[status]!.set(r, g, b));
  }

  /** Which buildings a person asked for; the others step back. null: all. */
  setShown(shown: ((slot: number) => boolean) | null): void {
    this.shown = shown;
    this.applyDim();
  }

  setFocus(selected: number | undefined, hovered: number | undefined): void {
    this.selected = selected ?? -1;
    this.findPaths();
    this.uniforms.uSelected.value = selected ?? -1;
    this.uniforms.uHovered.value = hovered ?? -1;
    // Without a building to tell of, no arc is drawn: not asking for it saves the draw call.
    this.edges.mesh.visible = this.reducedMotion || selected !== undefined || hovered !== undefined;
    if (selected !== undefined && this.fleet.isBuilt(selected)) {
      const { x, z } = this.fleet.centreOf(selected);
      this.uniforms.uFocus.value.set(x, this.fleet.heightAt(selected, this.now) / 2, z, 1);
    } else this.uniforms.uFocus.value.w = 0;
  }

  /** Anew when another building is selected or the calls changed. */
  private findPaths(): void {
    const { world } = this.feed;
    const of = `${this.selected}/${world.layoutVersion}`;
    if (of === this.pathsOf) return;
    this.pathsOf = of;
    const paths = this.selected < 0 ? null : callPaths(world.edges.values(), this.selected);
    this.paths = paths;
    this.edges.set([...world.edges.values()], paths ? (edge) => edgeWeight(edge, this.selected, paths) : () => 0);
    this.applyDim();
  }

  private applyDim(): void {
    const { shown, paths, selected } = this;
    const alone = !paths || (paths.upstream.size === 0 && paths.downstream.size === 0);
    this.fleet.setDim((slot) => {
      if (shown && !shown(slot)) return LEFT_OUT;
      return alone || slot === selected || paths.upstream.has(slot) || paths.downstream.has(slot) ? 0 : ASIDE;
    });
  }

  resize(width: number, height: number, pixelRatio: number): void {
    this.aspect = width / Math.max(1, height);
    this.uniforms.uPixelRatio.value = pixelRatio;
    this.uniforms.uViewportHeight.value = height * pixelRatio;
    // Until a person takes the camera, the whole city stays in view.
    if (!this.userMoved) this.frameAll(true);
    this.keepInView();
  }

  /** A person moved the camera: from now on it goes nowhere by itself. */
  touched(): void {
    this.userMoved = true;
  }

  frameAll(jump = false): void {
    const angles = this.aspect < 0.8 ? PORTRAIT_ANGLES : START_ANGLES;
    const pose = frameBest(this.outline(), angles, this.aspect, this.insets);
    if (jump) this.rig.jumpTo(pose);
    else this.rig.flyTo(pose);
  }

  flyToSlot(slot: number): void {
    if (!this.fleet.isBuilt(slot)) return;
    this.userMoved = true;
    const { x, z } = this.fleet.centreOf(slot);
    const height = Math.max(this.fleet.rise[slot * 4 + 1] ?? 0, heightOf(this.feed.world.columns.pods[slot] ?? 0));
    const reach = LOT * 2;
    const angles = { yaw: this.rig.goal.yaw, pitch: Math.min(Math.max(this.rig.goal.pitch, CLOSE_PITCH), MAX_PITCH) };
    const lot = boxCorners({ minX: x - reach, maxX: x + reach, minZ: z - reach, maxZ: z + reach }, height + 3);
    this.rig.flyTo(framePoints(lot, angles, this.aspect, this.insets));
  }

  /** While following: turns, zooms and the city's own changes may not take the selected building out of view. */
  private keepInView(): void {
    const { selected, fleet } = this;
    if (!this.following || selected < 0 || !fleet.isBuilt(selected)) return;
    const { x, z } = fleet.centreOf(selected);
    const house = boxCorners({ minX: x - LOT / 2, maxX: x + LOT / 2, minZ: z - LOT / 2, maxZ: z + LOT / 2 }, (fleet.rise[selected * 4 + 1] ?? 0) + LABEL_ROOM);
    pullIntoView(house, this.rig.goal, this.aspect, this.insets);
  }

  mapPicture(): MapPicture {
    const { fleet, rect } = this;
    const far = Math.max(rectRadius(rect) * 2, this.rig.pose.distance * 2);
    const margin = LOT * 2;
    return {
      bounds: { minX: rect.minX - margin, maxX: rect.maxX + margin, minZ: rect.minZ - margin, maxZ: rect.maxZ + margin },
      districts: this.feed.world.districts.map((district) => this.ground.rect(district)),
      lots: fleet.lot,
      statusOf: (slot) => fleet.spin[slot * 4 + 3]!,
      dim: fleet.dim,
      count: fleet.count,
      selected: this.selected,
      sight: sightOf(this.view, this.aspect, far),
    };
  }

  /** What the middle of the picture shows, in a word or two. */
  placeName(): string {
    const { world } = this.feed;
    const { x, z } = this.rig.goal.target;
    const away = ({ minX, maxX, minZ, maxZ }: Rect) => Math.hypot(Math.max(minX - x, 0, x - maxX), Math.max(minZ - z, 0, z - maxZ));
    const near = world.districts.map((district) => ({ name: district.name, metres: away(this.ground.rect(district)) })).sort((a, b) => a.metres - b.metres)[0];
    if (this.rig.goal.distance > rectRadius(this.rect) * 1.2) return near ? `Overview, ${near.name}` : 'Overview';
    return near?.name ?? 'Overview';
  }

  /** Point in CSS pixels → slot, or null. */
  pick(x: number, y: number, size: { width: number; height: number }): number | null {
    const direction = rayThrough(this.view, this.aspect, (x / size.width) * 2 - 1, 1 - (y / size.height) * 2);
    return pickBuilding(this.fleet, { origin: this.view.eye, direction }, this.now);
  }

  /** Where the middle of a building is on the page, given where the canvas is. */
  projectSlot(slot: number, { left, top, width, height }: { left: number; top: number; width: number; height: number }): { x: number; y: number } | null {
    if (!this.fleet.isBuilt(slot)) return null;
    const seen = project(this.view, this.aspect, { ...this.fleet.centreOf(slot), y: this.fleet.heightAt(slot, this.now) / 2 });
    return seen.depth > 0 ? { x: left + ((seen.x + 1) / 2) * width, y: top + ((1 - seen.y) / 2) * height } : null;
  }

  /** What one pick takes, at a different place each time: the 95th percentile, in ms. */
  pickMs(rounds: number): number {
    const size = { width: 1000, height: 1000 };
    const taken = Array.from({ length: rounds }, (_, i) => {
      const began = performance.now();
      this.pick((i * 389) % 1000, (i * 613) % 1000, size);
      return performance.now() - began;
    });
    return taken.sort((a, b) => a - b)[Math.floor(rounds * 0.95)]!;
  }

  /** Particles in the air. */
  flying(): number {
    return this.traffic.ring.alive(this.now);
  }

  /** One frame. Returns whether the next one would differ. */
  frame(seconds: number, camera: THREE.PerspectiveCamera): boolean {
    this.shiftTime();
    const { now, feed, fleet } = this;
    this.takeArrivals(now);
    this.keepInView();
    const cameraMoves = this.rig.step(seconds);
    this.applyCamera(camera);
    this.attributes.flush();
    this.traffic.flush(now);
    this.uniforms.uTime.value = now;
    const flying = this.traffic.ring.lastLanding > now;
    const spinning = fleet.spinning && !this.reducedMotion;
    return cameraMoves || flying || spinning || fleet.settledAt > now || feed.world.layoutVersion !== this.layoutVersion;
  }

  private takeArrivals(now: number): void {
    const { feed, fleet } = this;
    const requests = feed.takeRequests();
    fleet.sync(feed.world, now);
    if (feed.world.layoutVersion !== this.layoutVersion) this.applyLayout();
    if (fleet.shapeVersion !== this.shapeVersion) {
      this.shapeVersion = fleet.shapeVersion;
      this.rebuildCurves();
      this.frameHeights();
    }
    if (this.reducedMotion) return;
    const clock = { now, toLocal: feed.toLocal, toCity: (localMs: number) => (localMs - performance.timeOrigin - this.epochMs) / 1000 };
    for (const batch of requests) scheduleRequests(this.traffic.ring, batch, clock);
  }

  /** The plan comes before the pods: with the first of these the picture is cut anew, and never again for a scaling. */
  private frameHeights(): void {
    const { world } = this.feed;
    if (this.hasHeights || ![...world.services.keys()].some((slot) => (world.columns.pods[slot] ?? 0) > 0)) return;
    this.hasHeights = true;
    if (!this.userMoved) this.frameAll(true);
  }

  private applyLayout(): void {
    const { world } = this.feed;
    this.layoutVersion = world.layoutVersion;
    this.ground = new Ground(world.districts);
    this.rect = cityRect(this.ground, world.districts, world.services.values());
    this.gatePlace = gateOf(this.rect);
    const plots = world.services.size === 0 && world.districts.length === 0 ? EMPTY_BLOCKS : world.districts;
    this.plots.set(plots.map((district) => this.ground.rect(district)));
    this.signs.set(world.districts, this.ground);
    this.gate.set(this.gatePlace);
    const radius = rectRadius(this.rect);
    const reach = LOT * 4;
    this.rig.bounds = { minX: this.rect.minX - reach, maxX: this.rect.maxX + reach, minZ: this.gatePlace.z - reach, maxZ: this.rect.maxZ + reach };
    this.rig.maxDistance = Math.max(80, radius * 6);
    if (!this.userMoved) this.frameAll(this.framedServices <= 0);
    this.framedServices = world.services.size;
    this.findPaths();
    this.applyDim();
  }

  private rebuildCurves(): void {
    const { world } = this.feed;
    let highest = 0;
    for (const id of world.edges.keys()) highest = Math.max(highest, id);
    if (!holds(this.curves, highest) || !this.uniforms.uCurves.value) {
      this.uniforms.uCurves.value?.dispose();
      this.curves = emptyCurves(highest);
      this.uniforms.uCurves.value = new THREE.DataTexture(this.curves.data, this.curves.width, this.curves.height, THREE.RGBAFormat, THREE.FloatType);
    }
    fillCurves(this.curves, world.edges.values(), this.fleet, this.gatePlace);
    this.uniforms.uCurves.value.needsUpdate = true;
  }

  private applyCamera(camera: THREE.PerspectiveCamera): void {
    this.view = viewOf(this.rig.pose);
    const { eye, right, up, back } = this.view;
    camera.position.set(eye.x, eye.y, eye.z);
    BASIS.set(right.x, up.x, back.x, 0, right.y, up.y, back.y, 0, right.z, up.z, back.z, 0, 0, 0, 0, 1);
    camera.quaternion.setFromRotationMatrix(BASIS);
    const { distance } = this.rig.pose;
    camera.fov = THREE.MathUtils.radToDeg(FOV);
    camera.near = Math.max(0.4, distance * 0.015);
    camera.far = distance * 14 + 800;
    camera.aspect = this.aspect;
    camera.updateProjectionMatrix();
    // The far side of the city stays readable from any height; what lies behind it fades.
    const sight = Math.max(distance, rectRadius(this.rect) * 0.9);
    this.uniforms.uHazeScale.value = 1 / (sight * 2.0 + 24);
  }

  /** Shifts the origin of city time, so that it never outgrows a float32. */
  private shiftTime(): void {
    if (this.now < TIME_SHIFT_S * 1.1) return;
    this.epochMs += TIME_SHIFT_S * 1000;
    this.fleet.shiftTime(TIME_SHIFT_S);
    this.traffic.ring.shiftTime(TIME_SHIFT_S);
  }

  /** What has to be in the picture: every quarter as far as it is built, with its skyline, and the gate. One giant may stand out of it. */
  private outline(): Vec3[] {
    const { world } = this.feed;
    const heights = [...world.services.keys()].map((slot) => heightOf(world.columns.pods[slot] ?? 0)).sort((a, b) => a - b);
    const skyline = (heights[Math.floor(heights.length * 0.97)] ?? 3) + LABEL_ROOM;
    const built = builtRects(this.ground, world.services.values());
    const rects = built.length > 0 ? built : [this.rect];
    const { x, z, radius } = this.gatePlace;
    const gate = { minX: x - radius, maxX: x + radius, minZ: z, maxZ: z };
    return [...rects.flatMap((rect) => boxCorners(rect, skyline)), ...boxCorners(gate, radius * 2.3)];
  }
}

/** Names stand over the roofs. */
const LABEL_ROOM = 1.2;
const BASIS = new THREE.Matrix4();
