"""One process that sends: `sender.py DATABASE PORT`; it begins when told on stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Thread

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "tests"), str(HERE.parent.parent), str(HERE)]

from sending import HOUR, KEY, THREADS  # noqa: E402

from nurture.actions.queries import Queries  # noqa: E402
from nurture.actions.release import Emails, Releases  # noqa: E402
from nurture.actions.send import send  # noqa: E402
from nurture.collector import calm  # noqa: E402
from nurture.emails.links import Signer  # noqa: E402
from nurture.providers.config import SmtpSettings  # noqa: E402
from nurture.providers.smtp import Smtp  # noqa: E402
from nurture.store.database import Database  # noqa: E402


def main(url: str, port: int) -> None:
    database = Database(url)
    queries, emails = Queries(Releases(database).current()), Emails(database, Signer([KEY]))
    settings = SmtpSettings(host="127.0.0.1", port=port, tls="none", helo="bench.example")

    def work() -> None:
        provider = Smtp(settings)
        while send(database, queries, emails, provider, lambda: HOUR).found:
            pass
        provider.close()

    calm()
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
