import { createStore } from 'zustand/vanilla';

/** Whether the pointer at the edge of the city moves the camera. Kept in this browser. */

const NAME = 'vantage.city.edgePan';

export const edgePan = createStore<{ on: boolean }>(() => ({ on: localStorage.getItem(NAME) !== 'off' }));

export function setEdgePan(on: boolean): void {
  localStorage.setItem(NAME, on ? 'on' : 'off');
  edgePan.setState({ on });
}
