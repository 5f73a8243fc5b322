package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// ours is the column of the contender that the limits are for.
const ours = 0

// A report measures everything and fills the table.
type report struct {
	pace     pace // in process
	network  pace // with memcached or over loopback
	progress io.Writer
	table    table
}

func newReport(inProcess, network pace, progress io.Writer) *report {
	r := &report{pace: inProcess, network: network, progress: progress}
	r.table.header = append(r.table.header, "", floor.name+", the floor")
	for _, c := range subjects {
		r.table.header = append(r.table.header, c.name)
	}
	r.table.header = append(r.table.header, "quartiles", "limit", "")
	return r
}

// spread prints the quartiles of a ratio.
func spread(low, high float64) string { return ratioText(low) + " to " + ratioText(high) }

// row adds a row whose limit is for our figure.
func (r *report) row(name, floorCell string, cells []string, spread string, l limit, figure float64) {
	row := append([]string{name, floorCell}, cells...)
	row = append(row, make([]string, len(subjects)-len(cells))...)
	r.table.add(append(row, spread, l.String(), l.verdict(figure))...)
}

// compareAll measures every subject by compare and adds a row.
func (r *report) compareAll(name string, l limit, compare func(contender) (comparison, error)) ([]comparison, error) {
	fmt.Fprintln(r.progress, name)
	comparisons := make([]comparison, len(subjects))
	cells := make([]string, len(subjects))
	for i, c := range subjects {
		var err error
		if comparisons[i], err = compare(c); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cells[i] = ratioText(comparisons[i].ratio)
	}
	mine := comparisons[ours]
	r.row(name, mine.floor.String(), cells, spread(mine.low, mine.high), l, mine.ratio)
	return comparisons, nil
}

// allocations adds a row with the allocations of a request.
func (r *report) allocations(name string, l limit, comparisons []comparison) {
	cells := make([]string, len(comparisons))
	for i, c := range comparisons {
		cells[i] = strconv.FormatFloat(c.allocs, 'f', -1, 64)
	}
	mine := comparisons[ours]
	r.row(name+": allocations", strconv.FormatFloat(mine.floorAllocs, 'f', -1, 64), cells, "", l, mine.allocs)
}

// scenarios adds the scenarios, in process.
func (r *report) scenarios() error {
	limits := map[string]limit{
		hello.name: {atMost: 2.0}, untouched.name: {atMost: 2.2}, anonymous.name: {atMost: 2.2},
		read.name: {atMost: 0.55}, write.name: {atMost: 0.65}, login.name: {atMost: 0.9}, loginKept.name: {atMost: 0.9},
	}
	allocationLimits := map[string]limit{hello.name: {atMost: 3}, read.name: {atMost: 12}}
	measured := make(map[string][]comparison)
	all := append([]scenario{hello}, sessionScenarios...)
	for _, s := range all {
		comparisons, err := r.compareAll(s.name, limits[s.name], func(c contender) (comparison, error) {
			return compareScenario(r.pace, s, c)
		})
		if err != nil {
			return err
		}
		measured[s.name] = comparisons
		if s.name == anonymous.name {
			if err := r.oursAlone(anonymous, fullSite, webapp2goFullSite()); err != nil {
				return err
			}
		}
		if s.name == login.name {
			if err := r.oursAlone(login, logIn, webapp2goSite()); err != nil {
				return err
			}
		}
		if s.name == read.name {
			r.slowerThanOurs(comparisons)
		}
	}
	for _, s := range all {
		r.allocations(s.name, allocationLimits[s.name], measured[s.name])
	}
	return nil
}

// control adds the floor against itself, which shows how much a figure can be trusted.
func (r *report) control() error {
	c, err := compareScenario(r.pace, read, floor)
	if err != nil {
		return err
	}
	r.row("control: "+read.name+", the floor against itself", ratioText(c.ratio), nil, spread(c.low, c.high), limit{}, 0)
	return nil
}

// oursAlone adds a scenario that no other contender has, beside the nearest of the floor.
func (r *report) oursAlone(of, ours scenario, site http.Handler) error {
	c, err := compareOurs(r.pace, of, ours, site)
	if err != nil {
		return err
	}
	r.row(ours.name, c.floor.String(), []string{ratioText(c.ratio)}, spread(c.low, c.high), limit{}, 0)
	return nil
}

// slowerThanOurs adds how many times slower the others read a session. The limit is
// for the fastest of those that keep it in a signed cookie.
func (r *report) slowerThanOurs(comparisons []comparison) {
	cells := make([]string, len(comparisons))
	fastest := 0.0
	for i, c := range comparisons {
		times := c.ratio / comparisons[ours].ratio
		cells[i] = ratioText(times)
		if i != ours && subjects[i].cookieSessions && (fastest == 0 || times < fastest) {
			fastest = times
		}
	}
	r.row(read.name+": times ours", "", cells, "", limit{atLeast: 6}, fastest)
}

// tables adds the routing, in process.
func (r *report) tables() error {
	for _, t := range []struct {
		routes int
		limit  limit
	}{{1, limit{atMost: 2.0}}, {50, limit{atMost: 1.8}}, {200, limit{atMost: 1.5}}, {1000, limit{atMost: 1.6}}} {
		_, err := r.compareAll(fmt.Sprintf("routing, n = %d", t.routes), t.limit, func(c contender) (comparison, error) {
			return compareTable(r.pace, t.routes, c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// memcached adds the sessions in memcached, ours and the floor's.
func (r *report) memcached() error {
	server, err := startMemcached()
	if err != nil {
		return err
	}
	defer server.stop()
	for _, m := range []struct {
		scenario scenario
		limit    limit
	}{{read, limit{atMost: 1.0}}, {write, limit{atMost: 1.05}}} {
		name := "memcached, " + m.scenario.name
		fmt.Fprintln(r.progress, name)
		below, err := m.scenario.newClient(floorMemcachedSite(server.addr))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, floor.name, err)
		}
		above, err := m.scenario.newClient(webapp2goMemcachedSite(server.addr))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, subjects[ours].name, err)
		}
		c := compare(r.network, below, above)
		r.row(name, c.floor.String(), []string{ratioText(c.ratio)}, spread(c.low, c.high), m.limit, c.ratio)
		floorCommands, err := server.commands(below, 1000)
		if err != nil {
			return err
		}
		commands, err := server.commands(above, 1000)
		if err != nil {
			return err
		}
		r.row(name+": commands", floorCommands, []string{commands}, "", limit{}, 0)
	}
	return nil
}

// endToEnd adds the requests a second over loopback.
func (r *report) endToEnd() error {
	fmt.Fprintln(r.progress, "end to end")
	results, err := endToEnd(r.network)
	if err != nil {
		return err
	}
	rates, ratios, times := make([]string, len(subjects)), make([]string, len(subjects)), make([]string, len(subjects))
	mine, least, busy := results[subjects[ours].name], 0.0, 0.0
	for i, c := range subjects {
		t := results[c.name]
		rates[i], ratios[i], times[i] = fmt.Sprintf("%.0f", t.subject), ratioText(t.ratio), ratioText(mine.ratio/t.ratio)
		if i != ours && (least == 0 || mine.ratio/t.ratio < least) {
			least = mine.ratio / t.ratio
		}
		busy = max(busy, t.busy)
	}
	name := "end to end, " + read.name
	r.row(name+", requests a second", fmt.Sprintf("%.0f", mine.floor), rates, "", limit{}, 0)
	r.row(name+", ratio", "", ratios, spread(mine.low, mine.high), limit{atLeast: 1.10}, mine.ratio)
	r.row(name+", ours to theirs", "", times, "", limit{atLeast: 1.7}, least)
	fmt.Fprintf(r.progress, "the load generator used at most %.0f %% of its core\n", 100*busy)
	return nil
}
