"""What any process of Tiyin needs from the outside world: time, ids, tasks, calls, logs and settings.

Each is a port: a Protocol that the rest of the house is written against, a real form, and a form that a
test or a simulation owns. Nothing here knows of payments.
"""
