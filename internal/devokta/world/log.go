package world

import "slices"

// Event is an entry of the System Log.
type Event struct {
	UUID           string       `json:"uuid"`
	Published      Time         `json:"published"`
	EventType      string       `json:"eventType"`
	Version        string       `json:"version"`
	Severity       string       `json:"severity"`
	DisplayMessage string       `json:"displayMessage"`
	Actor          *Target      `json:"actor"`
	Outcome        Outcome      `json:"outcome"`
	Target         []Target     `json:"target"`
	DebugContext   DebugContext `json:"debugContext"`
}

// Target is whom or what an event is about.
type Target struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

// Outcome has the reason that answers never have.
type Outcome struct {
	Result string  `json:"result"`
	Reason *string `json:"reason"`
}

// DebugContext has what helps, e.g. the redirect URI that was refused.
type DebugContext struct {
	DebugData map[string]string `json:"debugData"`
}

// Note writes an event, and forgets the oldest past a thousand. reason "" means success.
func (w *World) Note(eventType, reason string, debug map[string]string, targets ...Target) {
	e := &Event{
		UUID: w.newID("uuid"), Published: w.Now(), EventType: eventType, Version: "0", Severity: "INFO", DisplayMessage: eventType,
		Outcome: Outcome{Result: "SUCCESS"}, Target: targets, DebugContext: DebugContext{debug},
	}
	if reason != "" {
		e.Severity, e.Outcome = "WARN", Outcome{"FAILURE", &reason}
	}
	if e.DebugContext.DebugData == nil {
		e.DebugContext.DebugData = map[string]string{}
	}
	if len(targets) > 0 {
		e.Actor = &targets[0]
	}
	if over := len(w.Log) + 1 - maxEvents; over > 0 {
		w.Log = slices.Clone(w.Log[over:])
	}
	w.Log = append(w.Log, e)
}

// ClientTarget names an application in an event.
func ClientTarget(a *App) Target {
	return Target{ID: a.ClientID(), Type: "PublicClientApp", AlternateID: a.ID, DisplayName: a.Label}
}

// UserTarget names a person in an event.
func UserTarget(u *User) Target {
	return Target{ID: u.ID, Type: "User", AlternateID: u.Login(), DisplayName: u.Name()}
}
