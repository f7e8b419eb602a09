# Each target works alone in a fresh clone. ARGS is handed on: make test ARGS="tests/core -x".
.PHONY: test demo bench check editor pictures clean

test:
	@scripts/test $(ARGS)

check:
	@scripts/check

demo:
	@scripts/venv run
	@.venv/bin/python scripts/nurture demo $(ARGS)

bench:
	@scripts/venv dev
	@.venv/bin/python scripts/bench $(ARGS)

editor:
	@scripts/venv dev
	@.venv/bin/python scripts/editor-check $(ARGS)

pictures:
	@scripts/chromium
	@scripts/venv dev
	@.venv/bin/python scripts/screenshots $(ARGS)

clean:
	rm -rf .venv .bench build dist .nurture .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
