package main

import (
	"strconv"
	"strings"
)

// A visitor is the session of the scenarios: five keys, 195 bytes as JSON. The
// floor keeps it as this struct; a contender with a dictionary keeps the same
// values under the same keys.
type visitor struct {
	User   string `json:"user"`
	Name   string `json:"name"`
	Visits int    `json:"visits"`
	Return string `json:"return"`
	CSRF   string `json:"csrf"`
}

// firstVisitor is the session that /start makes. Visits begins with six digits so
// that counting never changes the length of an answer.
var firstVisitor = visitor{
	User:   "6f1e0c52-8a4b-4d0e-9c1f-2b7d5e3a9f10",
	Name:   "Ada Lovelace",
	Visits: 100041,
	Return: "/books/4711/chapters/12/sections/7/notes/2026",
	CSRF:   "q7Xn2vR8kT0sLwYb5mZc1dFgHj3pAe6uCi9oVtKxSrM",
}

// The bodies that the scenarios answer. Every contender builds them with these
// functions, so that no difference between contenders is in the text.

func greeting(name string, visits int) string {
	return name + ", visit " + strconv.Itoa(visits)
}

func everything(v visitor) string {
	return strings.Join([]string{v.User, v.Name, strconv.Itoa(v.Visits), v.Return, v.CSRF}, " ")
}

func counted(visits int) string { return "visit " + strconv.Itoa(visits) }

func welcome(user string) string { return "welcome " + user }

const (
	helloBody = "Hello, world!"
	// loginForm is the body of a login, loginUser the user it names.
	loginForm = "user=grace&password=correct+horse"
	loginUser = "grace"
	plainText = "text/plain; charset=utf-8"
)

// signingKey is the key of every signed cookie here: 32 bytes, which is what
// HMAC-SHA256 asks for.
var signingKey = []byte("a key of the benchmark, 32 bytes")
