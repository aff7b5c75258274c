// Package httpx is what every HTTP edge of Portico shares: how a body and a query are read (strictly, bounded), how an
// answer and a fault are written, the middleware that wraps every handler, the guard against ambiguous paths, and a
// listener in memory by which the embedded Core is called over real HTTP without a port.
//
// It knows nothing of tokens, sessions or permissions.
package httpx
