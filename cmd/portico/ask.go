package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"charm.land/huh/v2"
)

// question is one thing that somebody is asked. Its answer is judged at once.
type question struct {
	title, hint string
	usual       string                    // what no answer means; "" = nothing
	options     []option                  // to choose from; none = free text
	check       func(answer string) error // nil = anything goes
	answer      *string
}

type option struct{ label, value string }

// asker asks some questions, one after the other, until each has an answer that passes.
type asker func(...question) error

// asForm asks in a form, on a terminal.
func asForm(ctx context.Context, in io.Reader, out io.Writer) asker {
	return func(questions ...question) error {
		fields := make([]huh.Field, 0, len(questions))
		for _, q := range questions {
			fields = append(fields, q.field())
		}
		if err := huh.NewForm(huh.NewGroup(fields...)).WithInput(in).WithOutput(out).RunWithContext(ctx); err != nil {
			return err
		}
		for _, q := range questions {
			if len(q.options) == 0 {
				*q.answer, _ = q.judge(*q.answer) // which passed: what is left to do is blanks and the usual answer
			}
		}
		return nil
	}
}

func (q question) field() huh.Field {
	if len(q.options) > 0 {
		options := make([]huh.Option[string], 0, len(q.options))
		for _, o := range q.options {
			options = append(options, huh.NewOption(o.label, o.value))
		}
		*q.answer = q.usual
		return huh.NewSelect[string]().Title(q.title).Description(q.hint).Options(options...).Value(q.answer)
	}
	return huh.NewInput().Title(q.title).Description(q.hint).Placeholder(q.usual).Value(q.answer).Validate(func(text string) error {
		_, err := q.judge(text)
		return err
	})
}

// asLines asks line by line: for screen readers, and for answers that come through a pipe.
func asLines(ctx context.Context, in io.Reader, out io.Writer) asker {
	lines := bufio.NewReader(in)
	return func(questions ...question) error {
		for _, q := range questions {
			if err := q.askLine(ctx, lines, out); err != nil {
				return err
			}
		}
		return nil
	}
}

func (q question) askLine(ctx context.Context, lines *bufio.Reader, out io.Writer) error {
	fmt.Fprintf(out, "%s\n", q.title)
	if q.hint != "" {
		fmt.Fprintf(out, "  %s\n", q.hint)
	}
	for i, o := range q.options {
		fmt.Fprintf(out, "  %d. %s\n", i+1, o.label)
	}
	var refused error
	for ctx.Err() == nil {
		prompt := "> "
		if usual := q.shown(q.usual); usual != "" {
			prompt = "[" + usual + "] > "
		}
		fmt.Fprint(out, prompt)
		line, err := lines.ReadString('\n')
		if err != nil && line == "" {
			return fmt.Errorf("the answers ended at %q", q.title) // why the last one was refused stands above
		}
		if *q.answer, refused = q.judge(line); refused == nil {
			return nil
		}
		fmt.Fprintf(out, "  %v\n", refused)
	}
	return context.Cause(ctx)
}

// judge reads an answer. An option is chosen by its number.
func (q question) judge(text string) (answer string, err error) {
	answer = strings.TrimSpace(text)
	switch {
	case answer == "":
		answer = q.usual
	case len(q.options) > 0:
		n, err := strconv.Atoi(answer)
		if err != nil || n < 1 || n > len(q.options) {
			return "", fmt.Errorf("expected a number from 1 to %d, got %q", len(q.options), answer)
		}
		answer = q.options[n-1].value
	}
	if q.check != nil {
		err = q.check(answer)
	}
	return answer, err
}

// shown is an answer as somebody types it.
func (q question) shown(answer string) string {
	for i, o := range q.options {
		if o.value == answer {
			return strconv.Itoa(i + 1)
		}
	}
	return answer
}
