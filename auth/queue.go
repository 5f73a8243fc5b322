package auth

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// WithClient returns a context for [Passwords] that says from which address a request
// comes. The hashes that wait or run for one address are bounded by
// Passwords.PerClient, so that one client cannot fill the queue in which all others
// wait. The addresses of an IPv6 network of 64 bits are one client, because they usually
// belong to one customer.
func WithClient(ctx context.Context, address string) context.Context {
	if ip, err := netip.ParseAddr(address); err == nil {
		ip = ip.Unmap().WithZone("")
		if ip.Is6() {
			network, _ := ip.Prefix(64) // fails for more bits than the address has
			ip = network.Addr()
		}
		address = ip.String()
	}
	return context.WithValue(ctx, clientKey{}, address)
}

type clientKey struct{}

// slot waits until one more hash may run, at most p.MaxWait and not longer than ctx. The
// caller calls done afterwards. It bounds the memory of many logins at once to that of
// p.MaxConcurrent hashes: the others wait, and then fail with [ErrBusy]. A client that
// already has its share of hashes fails at once.
func (p *Passwords) slot(ctx context.Context) (done func(), err error) {
	p.once.Do(func() {
		n := p.MaxConcurrent
		if n <= 0 {
			n = runtime.GOMAXPROCS(0)
		}
		p.slots = make(chan struct{}, n)
		p.clients = map[string]int{}
	})
	leave, ok := p.enter(ctx)
	if !ok {
		return nil, ErrBusy
	}
	if err := p.await(ctx); err != nil {
		leave()
		return nil, err
	}
	return func() { <-p.slots; leave() }, nil
}

// enter counts one more hash of the client of ctx, until leave is called, and reports
// whether the client may have it. If ctx has no client, enter counts nothing.
func (p *Passwords) enter(ctx context.Context) (leave func(), ok bool) {
	client, known := ctx.Value(clientKey{}).(string)
	if !known || p.PerClient < 0 {
		return func() {}, true
	}
	most := p.PerClient
	if most == 0 {
		most = 16
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.clients[client] >= most {
		return nil, false
	}
	p.clients[client]++
	return func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		if p.clients[client]--; p.clients[client] == 0 {
			delete(p.clients, client)
		}
	}, true
}

// await waits for one of the slots and takes it.
func (p *Passwords) await(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	wait := p.MaxWait
	if wait <= 0 {
		wait = 10 * time.Second
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("auth: waiting to check a password: %w", ctx.Err())
	}
}
