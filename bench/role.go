package main

import (
	"flag"
	"os"
)

// A role is what this program does when it has started itself: end to end, servers
// and load generator are processes of their own.
type role struct {
	serve string // the contender whose site to serve
	load  bool   // generate load
}

// flags defines the flags that startProcess gives.
func (r *role) flags(set *flag.FlagSet) {
	set.StringVar(&r.serve, "serve", "", "serve the site of this contender; the program starts itself so")
	set.BoolVar(&r.load, "load", false, "generate load; the program starts itself so")
}

// play plays the role until standard input ends. It reports whether there was one.
func (r *role) play() (bool, error) {
	switch {
	case r.serve != "":
		return true, serveContender(r.serve, os.Stdin, os.Stdout)
	case r.load:
		return true, generateLoad(os.Stdin, os.Stdout)
	}
	return false, nil
}
