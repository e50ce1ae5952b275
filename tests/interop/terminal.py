"""A program in a pseudo-terminal: what it shows is read and kept, what a terminal is asked is answered."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time

# The queries that Claude Code sends, and what an xterm answers.
ANSWERS = [(b"\x1b[c", b"\x1b[?62;c"), (b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b[>0q", b"\x1bP>|xterm(370)\x1b\\")]
ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][0-9A-Za-z]|[=>78cDEHMNOZ])")


class Terminal:
    """A running program. It is killed when the terminal is closed."""

    def __init__(self, command, cwd, env):
        self.shown = b""
        self.lock = threading.Lock()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(command[0], command, env)
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                ready, _, _ = select.select([self.handle], [], [], 0.5)
                if not ready:
                    continue
                data = os.read(self.handle, 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            with self.lock:
                self.shown += data
            for query, answer in ANSWERS:
                for _ in range(data.count(query)):
                    self.type(answer)

    def type(self, keys):
        """Presses keys."""
        try:
            os.write(self.handle, keys if isinstance(keys, bytes) else keys.encode())
        except OSError:
            pass

    def plain(self):
        """What was shown, without its control sequences."""
        with self.lock:
            return ESCAPES.sub(b" ", self.shown).decode("utf-8", "replace")

    def wait_for(self, what, needle, limit=60):
        """Waits until something is shown. White space does not count: a terminal draws words where it likes."""
        squeeze = lambda text: re.sub(r"\s+", "", text)
        deadline = time.monotonic() + limit
        while squeeze(needle) not in squeeze(self.plain()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not shown within {limit} s: {what}; shown: {self.plain()[-3000:]}")
            time.sleep(0.02)

    def kill(self, number=signal.SIGKILL):
        """Sends a signal to the program alone."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def close(self):
        """Ends the program."""
        if self.ended:
            return
        self.ended = True
        self.kill()
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        os.close(self.handle)
