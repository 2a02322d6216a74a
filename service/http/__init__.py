"""HTTP for both services: routes, errors, request bodies and limits."""
