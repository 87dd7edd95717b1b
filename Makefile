# Each command is a function of tasks.py, which does the same without make: `python tasks.py lab`.
PYTHON ?= python3
COMMANDS := lab test check test-long test-browser test-book test-portable lint run notebooks mine song student \
            instructor assignments grade book bench models ablation pins environment clean help

# As they were typed: a $ in them begins no variable of make's
override MUSIC := $(value MUSIC)
override TEXT := $(value TEXT)
export MUSIC TEXT

.DEFAULT_GOAL := help
.PHONY: $(COMMANDS)
$(COMMANDS):
	@$(PYTHON) tasks.py $@ $(if $(QUICK),--quick)
