"""Two services, two versions or two time windows compared; docs/compare.md has every formula and its source."""
