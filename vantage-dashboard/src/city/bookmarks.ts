import { createStore } from 'zustand/vanilla';
import type { Pose } from './camera/rig';

/** Views of the city that a person keeps, on the keys 1 to 9. Kept in this browser. */

export const BOOKMARK_KEYS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
export type BookmarkKey = (typeof BOOKMARK_KEYS)[number];

export interface Bookmark {
  /** What lies in the middle of it. */
  name: string;
  pose: Pose;
}

export type Bookmarks = Partial<Record<BookmarkKey, Bookmark>>;

const NAME = 'vantage.city.places';
const LONGEST_NAME = 80;

export const bookmarks = createStore<Bookmarks>(() => parseBookmarks(stored()));

export function setBookmark(key: BookmarkKey, bookmark: Bookmark): void {
  keep({ ...bookmarks.getState(), [key]: bookmark });
}

export function removeBookmark(key: BookmarkKey): void {
  keep(Object.fromEntries(Object.entries(bookmarks.getState()).filter(([kept]) => Number(kept) !== key)));
}

export function toBookmarkKey(value: number): BookmarkKey | undefined {
  return BOOKMARK_KEYS.find((key) => key === value);
}

/** What is not a view is left out: the text may be of another version, or edited by hand. */
export function parseBookmarks(text: string | null): Bookmarks {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
  if (typeof kept !== 'object' || kept === null) return {};
  return Object.fromEntries(Object.entries(kept).flatMap(([key, value]) => {
    const number = toBookmarkKey(Number(key)), bookmark = toBookmark(value);
    return number && bookmark ? [[number, bookmark]] : [];
  }));
}

function toBookmark(value: unknown): Bookmark | null {
  const { name, pose } = (value ?? {}) as { name?: unknown; pose?: Partial<Pose> | null };
  const { x, y, z } = pose?.target ?? {};
  const { yaw, pitch, distance } = pose ?? {};
  const numbers = [x, y, z, yaw, pitch, distance];
  if (typeof name !== 'string' || !numbers.every(Number.isFinite) || !(Number(distance) > 0)) return null;
  return { name: name.slice(0, LONGEST_NAME), pose: { target: { x: x!, y: y!, z: z! }, yaw: yaw!, pitch: pitch!, distance: distance! } };
}

function keep(next: Bookmarks): void {
  bookmarks.setState(next, true);
  // A browser that keeps nothing (private window, full disk) still has them until it is closed.
  try {
    localStorage.setItem(NAME, JSON.stringify(next));
  } catch (error) {
    console.info('The places of the city could not be kept.', error);
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}
