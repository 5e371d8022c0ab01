"""Notices: letters by e-mail that a service writes by itself. Each is kept with its cause and sent once.

| module | what it holds |
|---|---|
| `notice.py` | a notice, what may become of it, and its words |
| `schema.py` | its table beside procrastinate's |
| `box.py` | keeping a notice in the transaction of its cause |
| `delivery.py` | what one try to send a notice does, and when the next one is |
| `envelope.py` | a notice as a message of RFC 5322 |
| `smtp.py` | the mail server |
| `pace.py` | how many letters a second, so that orders are not kept waiting |
| `worker.py` | the queue, worked through inside the service's process |
| `sealing.py` | what a waiting notice must not tell whoever reads the database |
"""
