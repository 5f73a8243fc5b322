package main

import "net/http"

func ourMemcachedSite(addr string) http.Handler { return floorMemcachedSite(addr) }
