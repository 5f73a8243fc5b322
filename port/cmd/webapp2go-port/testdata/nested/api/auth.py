def require(permission):
    def wrap(method):
        return method
    return wrap
