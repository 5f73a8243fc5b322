import webapp2
from webapp2_extras import routes
from api import users, hosts
import api.base

ROUTES = [module.ROUTES for module in (users, hosts)]

app = webapp2.WSGIApplication([
    routes.PathPrefixRoute('/api/<version:v\d>', ROUTES + [
        webapp2.Route('/ping', handler=api.base.Ping),
    ]),
    routes.NamePrefixRoute('admin-', [
        routes.HandlerPrefixRoute('api.hosts.', [
            webapp2.Route('/admin/hosts', 'HostList:list', name='hosts', methods=['GET']),
            webapp2.Route('/admin/hosts/new', 'HostList:create', name='new', methods=['POST']),
        ]),
    ]),
])
