import type * as THREE from 'three';

/**
 * Gives a geometry other instances. Three remembers from the first draw how many fit into the attributes, and forgets it
 * only when the geometry is disposed of: without that a city that grows would be drawn as far as it reached at first.
 */
export function setInstances(geometry: THREE.InstancedBufferGeometry, attributes: Record<string, THREE.InstancedBufferAttribute>, count: number): void {
  geometry.dispose();
  for (const [name, attribute] of Object.entries(attributes)) geometry.setAttribute(name, attribute);
  geometry.instanceCount = count;
}
