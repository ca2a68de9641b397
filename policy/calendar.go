package policy

import (
	"fmt"
	"slices"
	"time"
)

// classes is a set of time classes.
type classes uint8

const (
	classWork classes = 1 << iota
	classAfter
	classWeekend
	classHoliday
)

// class returns the set of c alone; zero if c is unknown.
func (c TimeClass) class() classes {
	switch c {
	case WorkHours:
		return classWork
	case AfterHours:
		return classAfter
	case Weekend:
		return classWeekend
	case Holiday:
		return classHoliday
	default:
		return 0
	}
}

// calendar is a checked Calendar.
type calendar struct {
	zone     *time.Location
	work     [7][]minutes
	weekend  [7]bool
	holidays map[date]bool
}

// minutes is a span of a day by the clock on the wall, so that a day on which the clock is moved keeps its hours.
type minutes struct{ from, to int }

type date struct {
	year  int
	month time.Month
	day   int
}

// classes returns the time classes that t is in. It is in work hours or after hours, never in both or neither.
func (c *calendar) classes(t time.Time) classes {
	t = t.In(c.zone)
	var in classes
	if c.weekend[t.Weekday()] {
		in |= classWeekend
	}
	year, month, day := t.Date()
	if c.holidays[date{year, month, day}] {
		return in | classHoliday | classAfter
	}
	now := t.Hour()*60 + t.Minute()
	for _, m := range c.work[t.Weekday()] {
		if m.from <= now && now < m.to {
			return in | classWork
		}
	}
	return in | classAfter
}

// calendar checks the calendar.
func (b *builder) calendar(d Data) {
	c, at := &b.snap.calendar, where{"calendar", d.Calendar.Zone}
	c.zone = time.UTC
	// LoadLocation takes "Local" for the zone of this machine: the same policy would mean another time elsewhere.
	if z := d.Calendar.Zone; z != "" {
		zone, err := time.LoadLocation(z)
		if err != nil || z == "Local" {
			b.fault(at, "its time zone is unknown here", `use an IANA name such as "Europe/Berlin", and see that the machine has the time zone database (or import time/tzdata)`)
		} else {
			c.zone = zone
		}
	}
	for _, s := range d.Calendar.Work {
		from, ok := clock(s.From)
		to, ok2 := clock(s.To)
		switch {
		case s.Day < time.Sunday || s.Day > time.Saturday:
			b.fault(at, fmt.Sprintf("a shift is on the unknown day %d", s.Day), "use the constants of package time")
		case !ok || !ok2:
			b.fault(at, fmt.Sprintf("the shift %q to %q is not a time", s.From, s.To), `write hours and minutes as "08:00"`)
		case from >= to:
			b.fault(at, fmt.Sprintf("the shift %s to %s ends before it begins", s.From, s.To), "make two of a shift over midnight, one up to 24:00")
		default:
			c.work[s.Day] = append(c.work[s.Day], minutes{from, to})
		}
	}
	weekend := d.Calendar.Weekend
	if weekend == nil {
		weekend = []time.Weekday{time.Saturday, time.Sunday}
	}
	for _, day := range weekend {
		if day < time.Sunday || day > time.Saturday {
			b.fault(at, fmt.Sprintf("its weekend has the unknown day %d", day), "use the constants of package time")
			continue
		}
		c.weekend[day] = true
	}
	c.holidays = make(map[date]bool, len(d.Calendar.Holidays))
	for _, h := range d.Calendar.Holidays {
		t, err := time.Parse(time.DateOnly, h)
		if err != nil {
			b.fault(at, fmt.Sprintf("the holiday %q is not a date", h), `write it as "2030-12-25"`)
			continue
		}
		year, month, day := t.Date()
		c.holidays[date{year, month, day}] = true
	}
}

// clock parses "08:00", up to "24:00", to minutes.
func clock(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, false
	}
	return t.Hour()*60 + t.Minute(), true
}

// needsWork says whether the classes mean anything only with a calendar that knows work hours.
func needsWork(times []TimeClass) bool {
	return slices.Contains(times, WorkHours) || slices.Contains(times, AfterHours)
}
