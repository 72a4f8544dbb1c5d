import { clockTime } from '../ui/format';
import { eventLook, type CityEvent } from '../world/events';
import './eventFeed.css';

export interface EventFeedProps {
  /** Newest last. */
  events: readonly CityEvent[];
  onPick: (serviceId: string) => void;
}

/** What happened lately, in words: deploys, scaling, incidents, alerts. */
export function EventFeed({ events, onPick }: EventFeedProps) {
  if (events.length === 0) return null;
  return (
    <section className="events panel" data-covers data-testid="event-feed" aria-label="What happened lately">
      <h2>Lately</h2>
      <ul data-own-keys>
        {[...events].reverse().map((event) => {
          const { glyph, tone, word } = eventLook(event.kind);
          const line = (
            <>
              <span className={`event-glyph tone-${tone}`} aria-hidden="true">{glyph}</span>
              <span className="event-words"><span className="visually-hidden">{word}: </span>{event.words}</span>
              <time className="num soft" dateTime={new Date(event.at).toISOString()}>{clockTime(event.at, false)}</time>
            </>
          );
          return (
            <li key={event.key} data-kind={event.kind}>
              {event.serviceId === null ? <span className="event">{line}</span> : <button type="button" className="event" title={event.words} onClick={() => onPick(event.serviceId!)}>{line}</button>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
