"""Other people's test suites with and without the agent: the tests of Flask must not find out that it is there."""
