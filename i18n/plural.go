package i18n

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A pluralRule returns the plural form for n things, or a negative number if there is
// none.
type pluralRule func(n int) int

// english is the rule of a catalogue without Plural-Forms.
func english(n int) int {
	if n == 1 {
		return 0
	}
	return 1
}

// maxForms is the largest nplurals; Arabic has six.
const maxForms = 20

// pluralForms reads the header Plural-Forms (GNU gettext manual, "Additional functions for
// plural forms"): how many forms there are, and which is for n things.
func pluralForms(header string) (rule pluralRule, forms int, err error) {
	if header == "" {
		return english, 2, nil
	}
	count, text := "", ""
	for part := range strings.SplitSeq(header, ";") {
		key, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(key) {
		case "nplurals":
			count = strings.TrimSpace(value)
		case "plural":
			text = value
		}
	}
	bad := func(why error) (pluralRule, int, error) {
		return nil, 0, fmt.Errorf("its Plural-Forms %.100q is wrong: %w", header, why)
	}
	if forms, err = strconv.Atoi(count); err != nil || forms < 1 || forms > maxForms {
		return bad(fmt.Errorf("nplurals is a number from 1 to %d", maxForms))
	}
	p := pluralParser{rest: text}
	if len(text) > 1000 {
		return bad(errors.New("it is too long"))
	}
	if rule = p.ternary(0); p.failed || strings.TrimSpace(p.rest) != "" {
		return bad(fmt.Errorf("plural is not an expression of C in n at %.20q", p.rest))
	}
	for n := range 1001 {
		if form := rule(n); form < 0 || form >= forms {
			return bad(fmt.Errorf("%d things have form %d, and there are %d", n, form, forms))
		}
	}
	return rule, forms, nil
}

// A pluralParser reads an expression of C with the variable n. Each method reads one level of
// precedence, from the lowest to the highest.
type pluralParser struct {
	rest   string
	failed bool
}

// take reports whether one of the operators comes next, and reads it.
func (p *pluralParser) take(operators ...string) string {
	p.rest = strings.TrimLeft(p.rest, " \t\n\r")
	for _, operator := range operators {
		if rest, ok := strings.CutPrefix(p.rest, operator); ok {
			p.rest = rest
			return operator
		}
	}
	return ""
}

const deepestPlural = 100

func (p *pluralParser) ternary(depth int) pluralRule {
	if depth > deepestPlural {
		p.failed = true
	}
	condition := p.binary(0, depth)
	if p.failed || p.take("?") == "" {
		return condition
	}
	yes := p.ternary(depth + 1)
	if p.take(":") == "" {
		p.failed = true
		return condition
	}
	no := p.ternary(depth + 1)
	return func(n int) int {
		if condition(n) != 0 {
			return yes(n)
		}
		return no(n)
	}
}

// levels are the binary operators, from the lowest precedence to the highest. An operator
// that begins another one comes after it.
var levels = [][]string{{"||"}, {"&&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%"}}

func (p *pluralParser) binary(level, depth int) pluralRule {
	if level == len(levels) {
		return p.unary(depth)
	}
	left := p.binary(level+1, depth)
	for !p.failed {
		operator := p.take(levels[level]...)
		if operator == "" {
			break
		}
		left = apply(operator, left, p.binary(level+1, depth))
	}
	return left
}

func (p *pluralParser) unary(depth int) pluralRule {
	switch {
	case p.failed || depth > deepestPlural:
		p.failed = true
	case p.take("!") != "":
		operand := p.unary(depth + 1)
		return func(n int) int { return number(operand(n) == 0) }
	case p.take("(") != "":
		inner := p.ternary(depth + 1)
		p.failed = p.failed || p.take(")") == ""
		return inner
	case p.take("n") != "":
		return func(n int) int { return n }
	}
	digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
	value, err := strconv.Atoi(p.rest[:digits])
	p.failed = p.failed || err != nil
	p.rest = p.rest[digits:]
	return func(int) int { return value }
}

func apply(operator string, left, right pluralRule) pluralRule {
	switch operator {
	case "||":
		return func(n int) int { return number(left(n) != 0 || right(n) != 0) }
	case "&&":
		return func(n int) int { return number(left(n) != 0 && right(n) != 0) }
	case "==":
		return func(n int) int { return number(left(n) == right(n)) }
	case "!=":
		return func(n int) int { return number(left(n) != right(n)) }
	case "<=":
		return func(n int) int { return number(left(n) <= right(n)) }
	case ">=":
		return func(n int) int { return number(left(n) >= right(n)) }
	case "<":
		return func(n int) int { return number(left(n) < right(n)) }
	case ">":
		return func(n int) int { return number(left(n) > right(n)) }
	case "+":
		return func(n int) int { return left(n) + right(n) }
	case "-":
		return func(n int) int { return left(n) - right(n) }
	case "*":
		return func(n int) int { return left(n) * right(n) }
	}
	return func(n int) int {
		divisor := right(n)
		switch {
		case divisor == 0:
			return -1
		case operator == "/":
			return left(n) / divisor
		}
		return left(n) % divisor
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
