import * as THREE from 'three';
import type { Fleet } from '../fleet';
import { setInstances } from './instances';

/** The fleet's arrays as instance attributes, shared by all meshes that stand on lots. */
export class FleetAttributes {
  private generation = -1;
  private attributes: Record<string, THREE.InstancedBufferAttribute> = {};
  private readonly geometries: THREE.InstancedBufferGeometry[] = [];

  constructor(private readonly fleet: Fleet) {
    this.rebuild();
  }

  /** One instance of the shape a slot. */
  instance(base: THREE.BufferGeometry): THREE.InstancedBufferGeometry {
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.setIndex(base.index);
    for (const [name, attribute] of Object.entries(base.attributes)) geometry.setAttribute(name, attribute);
    this.geometries.push(geometry);
    this.attach(geometry);
    return geometry;
  }

  /** Uploads what changed since the last call. */
  flush(): void {
    const { fleet } = this;
    if (fleet.generation !== this.generation) this.rebuild();
    for (const geometry of this.geometries) geometry.instanceCount = fleet.count;
    if (fleet.lotsDirty) {
      this.attributes.aLot!.needsUpdate = true;
      this.attributes.aDim!.needsUpdate = true;
    }
    const changed = fleet.dirtyTo - fleet.dirtyFrom;
    if (changed > 0) {
      for (const name of ['aRise', 'aLoad', 'aSpin']) {
        const attribute = this.attributes[name]!;
        attribute.addUpdateRange(fleet.dirtyFrom * 4, changed * 4);
        attribute.needsUpdate = true;
      }
    }
    fleet.clearDirty();
  }

  private rebuild(): void {
    const { fleet } = this;
    this.generation = fleet.generation;
    const dynamic = (array: Float32Array, size: number) => new THREE.InstancedBufferAttribute(array, size).setUsage(THREE.DynamicDrawUsage);
    this.attributes = {
      aLot: dynamic(fleet.lot, 4),
      aRise: dynamic(fleet.rise, 4),
      aLoad: dynamic(fleet.load, 4),
      aSpin: dynamic(fleet.spin, 4),
      aDim: dynamic(fleet.dim, 1),
    };
    for (const geometry of this.geometries) this.attach(geometry);
  }

  private attach(geometry: THREE.InstancedBufferGeometry): void {
    setInstances(geometry, this.attributes, this.fleet.count);
  }
}
