import webapp2
from webapp2_extras.routes import PathPrefixRoute as Prefix
from . import base

class HostList(base.BaseHandler):
    def list(self):
        pass

    def create(self):
        pass

class Host(base.BaseHandler):
    def get(self, version, host_id):
        pass
    head = get

ROUTES = Prefix('/hosts', [
    Prefix('/<host_id>', [
        webapp2.Route('', handler=Host),
        webapp2.Route('/blocked', handler=Host, defaults={'state': 'blocked'}),
    ]),
])
