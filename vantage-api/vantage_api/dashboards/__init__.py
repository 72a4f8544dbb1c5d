"""Dashboards that people make: panels of VQL on a grid. (The files of the web app are served by ../dashboard.py.)"""
