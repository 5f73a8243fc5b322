def xsrf_protected(f):
    return f
