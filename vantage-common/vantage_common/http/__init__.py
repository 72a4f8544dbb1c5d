"""The HTTP guards that the collector and the query API share, as small pure ASGI middlewares.

`guard` in guard.py puts them around an app in the one order that is right; each can be used alone.
"""
