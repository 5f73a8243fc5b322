package handlers

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// StrictPolicy lets a page load style sheets and pictures of its own site, send
// forms to it, and nothing else: no script at all, no frame, no inline style.
const StrictPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A securityHeader is sent with every response of a site.
type securityHeader struct {
	name, value string
	https       bool // only over https and not in Debug
	nonce       bool // the value has nonceMark
}

// securityHeaders are those of every site (OWASP Secure Headers Project), beside
// Content-Security-Policy and X-Frame-Options.
var securityHeaders = []securityHeader{
	{name: "X-Content-Type-Options", value: "nosniff"},
	{name: "Referrer-Policy", value: "same-origin"},
	{name: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
	{name: "Cross-Origin-Opener-Policy", value: "same-origin"},
	{name: "Cross-Origin-Resource-Policy", value: "same-origin"},
}

const (
	policyHeader    = "Content-Security-Policy"
	frameHeader     = "X-Frame-Options"
	transportHeader = "Strict-Transport-Security"
)

// kept are the directives that default-src does not cover, so that a policy without them
// would allow all. A policy that names one says otherwise.
var kept = []struct{ directive, value string }{
	{"frame-ancestors", "'none'"},
	{"base-uri", "'none'"},
	{"form-action", "'self'"},
}

// directive returns the value of a directive of a policy, if it has it.
func directive(policy, name string) (value string, ok bool) {
	for _, text := range strings.FieldsFunc(policy, func(r rune) bool { return r == ';' || r == ',' }) {
		words := strings.Fields(text)
		if len(words) > 0 && strings.EqualFold(words[0], name) {
			return strings.Join(words[1:], " "), true
		}
	}
	return "", false
}

// policy returns the Content-Security-Policy of the site.
func (s *Site) policy() string {
	if s.Policy == "" {
		return StrictPolicy
	}
	policy := strings.TrimRight(s.Policy, "; ")
	for _, k := range kept {
		if _, ok := directive(policy, k.directive); !ok {
			policy += "; " + k.directive + " " + k.value
		}
	}
	return policy
}

// frameOptions says to browsers that do not know frame-ancestors what it says, if they
// can be told; else nothing.
func frameOptions(policy string) string {
	switch ancestors, ok := directive(policy, "frame-ancestors"); {
	case ok && (ancestors == "'none'" || ancestors == ""):
		return "DENY"
	case ok && ancestors == "'self'":
		return "SAMEORIGIN"
	}
	return ""
}

// allHeaders lists what the site sends: the headers that it has of its own in the place of
// those of every site.
func (s *Site) allHeaders() []securityHeader {
	own := map[string]string{}
	for name, value := range s.Headers {
		own[http.CanonicalHeaderKey(name)] = value
	}
	policy := s.policy()
	if value, ok := own[policyHeader]; ok {
		policy = value
	}
	all := append([]securityHeader{
		{name: policyHeader, value: policy},
		{name: frameHeader, value: frameOptions(policy)},
	}, securityHeaders...)
	var sent []securityHeader
	for _, header := range all {
		if value, ok := own[header.name]; ok {
			header.value = value
			delete(own, header.name)
		}
		if header.value != "" {
			sent = append(sent, header)
		}
	}
	for name, value := range own {
		if value != "" {
			sent = append(sent, securityHeader{name: name, value: value, https: name == transportHeader})
		}
	}
	for at := range sent {
		sent[at].nonce = namesNonce(sent[at].name, sent[at].value)
	}
	return sent
}

// nonceMark stands for the nonce in a policy.
const nonceMark = "{nonce}"

// namesNonce reports whether a header is a policy with a nonce, one that is reported only
// too.
func namesNonce(name, value string) bool {
	return strings.HasPrefix(name, policyHeader) && strings.Contains(value, nonceMark)
}

// secure sets the security headers and returns the nonce of the policy, if it has one.
// Their values are a request's own, in one
// allocation: what one handler does to them is not in the responses of the others.
func (s *Site) secure(header http.Header, https bool) (nonce string) {
	s.prepared.Do(func() { s.sent = s.allHeaders() })
	values := make([]string, len(s.sent))
	for at := range s.sent {
		if h := &s.sent[at]; !h.https || https {
			values[at] = h.value
			if h.nonce {
				if nonce == "" {
					nonce = newNonce()
				}
				values[at] = strings.ReplaceAll(h.value, nonceMark, nonce)
			}
			header[h.name] = values[at : at+1 : at+1]
		}
	}
	return nonce
}

func newNonce() string {
	var bits [16]byte
	rand.Read(bits[:]) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// checkHeaders reports what cannot be sent.
func (s *Site) checkHeaders() error {
	var mistakes []error
	for name, value := range s.Headers {
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) || name == "" {
			mistakes = append(mistakes, fmt.Errorf("handlers: Site.Headers: no header can have the name %q", name))
		}
		if http.CanonicalHeaderKey(name) == policyHeader && s.Policy != "" {
			mistakes = append(mistakes, errors.New("handlers: Site.Policy and Site.Headers both say the "+policyHeader+": use one of them"))
		}
		if hasControl(value) {
			mistakes = append(mistakes, fmt.Errorf("handlers: Site.Headers[%q] is %q: a header's value holds no control character", name, value))
		}
	}
	if s.Templates != nil && s.Templates.UsesNonce() && !slices.ContainsFunc(s.allHeaders(), func(h securityHeader) bool { return h.nonce }) {
		mistakes = append(mistakes, errors.New(`handlers: the layout uses .Nonce and the policy has none, so that browsers would refuse what has it: write 'nonce-{nonce}' in Site.Policy, as in "script-src 'nonce-{nonce}'"`))
	}
	if hasControl(s.Policy) {
		mistakes = append(mistakes, fmt.Errorf("handlers: Site.Policy is %q: a header's value holds no control character, so write it in one line", s.Policy))
	}
	return errors.Join(mistakes...)
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
