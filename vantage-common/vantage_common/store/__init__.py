"""Where rows rest and questions are answered: a catalog, a query plan, and the engines that run it."""
