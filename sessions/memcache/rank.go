package memcache

// Servers are chosen by rendezvous hashing (Thaler and Ravishankar, 1996): each server
// has a rank for each id, and the one with the highest rank keeps it. A server that joins
// n others takes about one id in n+1, and one that leaves gives up its own ids. All other
// sessions stay where they are.

// pick returns the server that keeps id.
func pick(servers []*server, id string) *server {
	if len(servers) == 1 {
		return servers[0]
	}
	h := hash(id)
	best, highest := servers[0], rank(servers[0].seed, h)
	for _, s := range servers[1:] {
		if r := rank(s.seed, h); r > highest {
			best, highest = s, r
		}
	}
	return best
}

// hash is FNV-1a. It must be the same in every process, as maphash is not.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// rank mixes the hashes of a server and an id with the finalizer of SplitMix64. Without
// it, ids with similar hashes would order the servers in the same way.
func rank(server, id uint64) uint64 {
	x := server ^ id
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
