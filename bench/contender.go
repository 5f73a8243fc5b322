package main

import "net/http"

// A contender is one way to write the same site. Its handlers answer the same
// bytes as those of every other contender.
type contender struct {
	name string
	// plain makes the site without sessions: GET /hello.
	plain func() http.Handler
	// site makes the site with sessions installed: GET /hello, which leaves the
	// session alone, /start, which makes it, /read, /readall and /write, POST /login.
	site func() http.Handler
	// table makes a site of GET routes for which newRoutes gives the patterns.
	table func(routes []route) http.Handler
	// cookieSessions says that the session is in a signed cookie, not in memory.
	cookieSessions bool
}

// floor is what the others are compared with: net/http by hand.
var floor = contender{name: "net/http", plain: floorPlain, site: floorSite, table: floorTable, cookieSessions: true}

// subjects are the contenders that are compared with the floor, ours first.
var subjects = []contender{
	{name: "webapp2go", plain: webapp2goPlain, site: webapp2goSite, table: webapp2goTable, cookieSessions: true},
	{name: "gorilla", plain: gorillaPlain, site: gorillaSite, table: gorillaTable, cookieSessions: true},
	{name: "chi + scs", plain: chiPlain, site: chiSite, table: chiTable},
	{name: "gin", plain: ginPlain, site: ginSite, table: ginTable, cookieSessions: true},
	{name: "echo", plain: echoPlain, site: echoSite, table: echoTable, cookieSessions: true},
}

// allContenders returns the floor and the subjects.
func allContenders() []contender {
	return append([]contender{floor}, subjects...)
}
