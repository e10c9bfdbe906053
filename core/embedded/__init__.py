"""The whole program in one process: `manage.py run`.

A run is a list of parts (simulators, web, worker, beat, trader, guard), each with a start and a stop. `supervisor`
starts them in order on the web server's event loop, restarts what dies, and stops them all within five seconds.
"""
