import { Trash2 } from 'lucide-react';
import { useStore } from 'zustand';
import { BOOKMARK_KEYS, bookmarks, removeBookmark, type BookmarkKey } from '../city/bookmarks';
import { Button } from '../ui/Button';
import './bookmarks.css';

export interface BookmarksProps {
  onKeep: (key: BookmarkKey) => void;
  onFly: (key: BookmarkKey) => void;
}

/** The places a person keeps, for those who have no keys 1 to 9 at hand. */
export function Bookmarks({ onKeep, onFly }: BookmarksProps) {
  const kept = useStore(bookmarks);
  const free = BOOKMARK_KEYS.find((key) => kept[key] === undefined);
  return (
    <div className="bookmarks" role="group" aria-label="Kept places">
      <ul>
        {BOOKMARK_KEYS.map((key) => {
          const place = kept[key];
          return (
            place && (
              <li key={key}>
                <button type="button" className="bookmark" onClick={() => onFly(key)}>
                  <kbd>{key}</kbd> <span className="bookmark-name">{place.name}</span>
                </button>
                <Button className="ghost" aria-label={`Forget place ${key}, ${place.name}`} onClick={() => removeBookmark(key)}><Trash2 aria-hidden="true" size={14} /></Button>
              </li>
            )
          );
        })}
      </ul>
      {Object.keys(kept).length === 0 && <p className="soft">No place is kept yet.</p>}
      <Button disabled={free === undefined} onClick={() => free && onKeep(free)}>{free === undefined ? 'All nine are taken' : `Keep this view as ${free}`}</Button>
      <p className="soft bookmarks-keys"><kbd>Shift</kbd> + <kbd>1</kbd>…<kbd>9</kbd> keeps, <kbd>1</kbd>…<kbd>9</kbd> flies. Kept in this browser.</p>
    </div>
  );
}
